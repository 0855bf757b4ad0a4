"""What leaves: rows in lanes. A lane is one dialog in one direction; `lane_seq` orders it, its head is sent first.

A head that must wait blocks its own lane and no other. Claims and results join on the lease's term, which also
makes the claimer the only one. A row that a dead worker was sending belongs to an older term and is claimed
again: its attempts say so.
"""

from tenants.outbox.claims import (
    LONGEST_JOINED,
    Claimed,
    Wish,
    ages_of_recent_sends,
    claim,
    list_waiting,
    recent_sends_to_groups,
    seconds_until_due,
)
from tenants.outbox.queue import enqueue, general_lane
from tenants.outbox.results import bury, drop, finish, pause_group, record_delivered, snooze
from tenants.outbox.rows import REPLY_MARK, Body, Delivered, Entity, NewRow, Row, cut, utf16
from tenants.outbox.traces import Ask, Trace, find_traces, rewrite

__all__ = [
    "LONGEST_JOINED",
    "REPLY_MARK",
    "Ask",
    "Body",
    "Claimed",
    "Delivered",
    "Entity",
    "NewRow",
    "Row",
    "Trace",
    "Wish",
    "ages_of_recent_sends",
    "bury",
    "claim",
    "cut",
    "drop",
    "enqueue",
    "find_traces",
    "finish",
    "general_lane",
    "list_waiting",
    "pause_group",
    "recent_sends_to_groups",
    "record_delivered",
    "rewrite",
    "seconds_until_due",
    "snooze",
    "utf16",
]
