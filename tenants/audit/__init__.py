"""The audit log: who did what to a connection, and when. An act is stored in the transaction that does it.

It holds ids and settings, never what people write to each other, and no token. It is kept as long as the plan says.
"""

from tenants.audit.acts import SYSTEM, Act, Action, Actor, ActorKind
from tenants.audit.rows import Entry, forget_old, forget_settings, list_page, record, record_all

__all__ = [
    "SYSTEM",
    "Act",
    "Action",
    "Actor",
    "ActorKind",
    "Entry",
    "forget_old",
    "forget_settings",
    "list_page",
    "record",
    "record_all",
]
