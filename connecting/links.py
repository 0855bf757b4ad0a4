"""Links that open Telegram: one adds a bot to a group, one invites a co-administrator."""

RIGHTS = "manage_topics+delete_messages+pin_messages+invite_users"
JOIN = "join_"
"""Before the word of an invitation, in the payload of /start."""


def group_link(bot_username: str, word: str) -> str:
    """Telegram adds the bot to a group of the person's choice and sends it `/start word` there."""
    return f"https://t.me/{bot_username}?startgroup={word}&admin={RIGHTS}"


def invitation_link(setup_bot: str, word: str) -> str:
    """At most 64 characters of base64url after `start=` (telegram.org/api/links)."""
    return f"https://t.me/{setup_bot}?start={JOIN}{word}"
