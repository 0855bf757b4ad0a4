"""What is not certain about Telegram is a switch here, with how sure we are of its default.

[M]: one good source or a solid inference; [L]: folklore. Certain rules are code, not switches.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(slots=True)
class Rules:
    topic_deleted_text_for: timedelta = timedelta(seconds=60)
    """After a topic's deletion the server says TOPIC_DELETED, until the Bot API forgets the topic. [M]"""

    update_ids_jump_after: timedelta | None = timedelta(days=7)
    """Update ids start anew at random after a quiet week. [M]: the new id may be lower than the old."""

    update_retention: timedelta = timedelta(hours=24)

    hasty_polls_are_slowed: bool = True
    """getUpdates with the same offset again: within 3 s it waits at least 3 s for something new, within
    half a second it gets one update only."""

    callback_lifetime: timedelta = timedelta(seconds=60)
    """How long a callback query can be answered. [L]"""

    first_callback_answer_wins: bool = True
    """A second answer gets "query is too old". [L]"""

    bots_see_service_messages_of_bots: bool = True
    """Messages of other bots are never delivered; whether their service messages are is not known. [L]"""

    owner_only_forum: bool = True
    """Only the owner turns topics on and off in the apps. [M]"""

    forwards_from_protected_chats_fail: bool = True

    copies_from_protected_chats_fail: bool = False
    """Bots may copy protected messages as far as the Bot API server's code says. [M]"""

    checklists_are_copied: bool = True
    """[L]: no list of what can't be copied names them, but a bot can't send one of its own."""

    subscriptions_are_sold_twice: bool = True
    """The link of a subscription that one has may be paid again, for a second one beside it. [L]"""

    refunds_end_subscriptions: bool = False
    """A refund ends the subscription that was paid for; False: it goes on until it is canceled. [L]"""

    longest_difference: int = 5000
    """Events after which MTProto says that the difference is too long. [L]"""

    difference_kept: timedelta = timedelta(hours=48)
    """Events that are older are forgotten. [L]: nobody has said how long a bot's are kept, one or two days."""

    random_ids_end_with_the_login: bool = False
    """A login that is new may send a random_id again. [L]: nobody has said whose they are."""

    webhooks_on_this_machine: bool = True
    """Telegram takes https only, on ports 443, 80, 88 and 8443, and no address of a private network. Here a
    webhook on this machine may be http, on any port; False is Telegram's rule, under which none can be set."""

    webhook_first_retry_after: timedelta = timedelta(seconds=1)
    """Each retry doubles it. [M]: Telegram's first retry may come sooner."""

    webhook_longest_retry_after: timedelta = timedelta(seconds=60)
    """[M]: 60 to 120 s at random in Telegram."""

    webhook_longest_wish: timedelta = timedelta(hours=1)
    """A Retry-After of the program's is honoured up to this."""

    webhook_gives_up_after: timedelta = timedelta(hours=23)

    webhook_answers_within: timedelta = timedelta(seconds=60)
    """[L]"""
