"""What leaves: rows in lanes. A lane is one dialog in one direction; `lane_seq` orders it, its head is sent first.

A head that must wait blocks its own lane and no other. Claims and results join on the lease's term, which also
makes the claimer the only one. A row that a dead worker was sending belongs to an older term and is claimed
again: its attempts say so.
"""

from tenants.outbox.changes import give_numbers
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
from tenants.outbox.results import bury, drop, finish, note_changed, pause_group, record_delivered, snooze
from tenants.outbox.rows import (
    CHANGES,
    PLAIN_LOOK,
    REPLY_MARK,
    Body,
    Delivered,
    Entity,
    Look,
    NewRow,
    Row,
    cut,
    put_behind,
    utf16,
)
from tenants.outbox.traces import Ask, NewBody, Trace, find_traces, rewrite

__all__ = [
    "CHANGES",
    "LONGEST_JOINED",
    "PLAIN_LOOK",
    "REPLY_MARK",
    "Ask",
    "Body",
    "Claimed",
    "Delivered",
    "Entity",
    "Look",
    "NewBody",
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
    "give_numbers",
    "list_waiting",
    "note_changed",
    "pause_group",
    "put_behind",
    "recent_sends_to_groups",
    "record_delivered",
    "rewrite",
    "seconds_until_due",
    "snooze",
    "utf16",
]
