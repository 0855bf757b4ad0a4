"""How long something lasts, in words."""

from datetime import timedelta

_MINUTE = 60
_HOUR = 3600
_DAY = 86_400
_IN_HOURS = 2 * _DAY
"""Seconds up to which hours say more than days."""


def lasting(time: timedelta) -> str:
    seconds = max(0, round(time.total_seconds()))
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min {seconds % _MINUTE} s"
    if seconds < _IN_HOURS:
        return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"
    return f"{seconds // _DAY} days {seconds % _DAY // _HOUR} h"
