"""The archive: what customers, the team and its program wrote, kept where ARCHIVE says so, and encrypted.

It is written in the transaction that queues the message or its edit, and holds what the team was shown.
"""

from tenants.archive.pages import Archived, Version, list_page
from tenants.archive.rows import Direction, Keeping, Kept, forget_mirrored, forget_old, keep

__all__ = [
    "Archived",
    "Direction",
    "Keeping",
    "Kept",
    "Version",
    "forget_mirrored",
    "forget_old",
    "keep",
    "list_page",
]
