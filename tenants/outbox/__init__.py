"""What leaves: rows in lanes. A lane is one dialog in one direction; `lane_seq` orders it, its head is sent first.

A claim locks lanes, not rows: a head that must wait blocks its own lane and no other. Claims and results join on
the lease's term. A row that a dead worker was sending belongs to an older term and is claimed again: its attempts
say so.
"""

from tenants.outbox.claims import Claimed, ages_of_recent_sends, claim, seconds_until_due
from tenants.outbox.queue import enqueue, general_lane
from tenants.outbox.results import bury, pause_group, record_delivered, snooze
from tenants.outbox.rows import Body, Delivered, NewRow, Row

__all__ = [
    "Body",
    "Claimed",
    "Delivered",
    "NewRow",
    "Row",
    "ages_of_recent_sends",
    "bury",
    "claim",
    "enqueue",
    "general_lane",
    "pause_group",
    "record_delivered",
    "seconds_until_due",
    "snooze",
]
