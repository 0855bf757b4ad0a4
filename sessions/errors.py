"""What Telegram can answer, as exactly five errors, and the one table of its texts.

SessionError
├── FloodWait   wait this long; no attempt was spent
├── Flaky       the network or Telegram itself; try again with backoff
├── Rejected    this request will never work
├── Gone        the topic, the customer or the group is not there any more
└── Revoked     the token is dead
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from tenants.phrases import Phrase


class SessionError(Exception):
    """`code` is stable, `text` is one sentence for a person: never a token, an address or a class name."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class FloodWait(SessionError):
    """`seconds` as Telegram's retry_after says (Bot API: ResponseParameters)."""

    def __init__(self, seconds: float) -> None:
        super().__init__("flood_wait", Phrase("Telegram asks to wait {seconds} s.", seconds=f"{seconds:.0f}"))
        self.seconds = seconds


class Flaky(SessionError):
    """`ambiguous`: the request may have been carried out although no answer came."""

    def __init__(self, code: str, text: str, *, ambiguous: bool) -> None:
        super().__init__(code, text)
        self.ambiguous = ambiguous


class Rejected(SessionError):
    pass


class Gone(SessionError):
    def __init__(self, what: Literal["topic", "customer", "group", "source"], code: str, text: str) -> None:
        super().__init__(code, text)
        self.what = what
        self.moved_to: int | None = None


class Revoked(SessionError):
    def __init__(self) -> None:
        super().__init__("revoked", "The bot's token is not valid any more.")


@dataclass(frozen=True, slots=True)
class _Text:
    fragment: str
    what: Literal["topic", "customer", "group", "source"] | None
    code: str
    sentence: str


_TEXTS = (
    _Text("message thread not found", "topic", "topic_deleted", "The topic was deleted."),
    _Text("topic_deleted", "topic", "topic_deleted", "The topic was deleted."),
    _Text("topic_id_invalid", "topic", "topic_deleted", "The topic was deleted."),
    _Text("bot was blocked by the user", "customer", "blocked", "The customer has blocked the bot."),
    _Text("user_is_blocked", "customer", "blocked", "The customer has blocked the bot."),
    _Text("user is deactivated", "customer", "deactivated", "The customer has deleted the account."),
    _Text("input_user_deactivated", "customer", "deactivated", "The customer has deleted the account."),
    _Text(
        "can't initiate conversation",
        "customer",
        "never_started",
        "The customer has never written to the bot.",
    ),
    _Text("channel_private", "group", "not_a_member", "The bot is not a member of the group."),
    _Text("channel_invalid", "group", "not_a_member", "The bot is not a member of the group."),
    _Text("bot was kicked", "group", "kicked", "The bot was removed from the group."),
    _Text("bot is not a member", "group", "not_a_member", "The bot is not a member of the group."),
    _Text("group chat was upgraded", "group", "migrated", "The group became a supergroup with a new id."),
    _Text("the chat is not a forum", "group", "no_forum", "The group has its topics switched off."),
    _Text("the chat is not a supergroup forum", "group", "no_forum", "The group has its topics switched off."),
    _Text("channel_forum_missing", "group", "no_forum", "The group has its topics switched off."),
    _Text(
        "not enough rights to create a topic",
        "group",
        "no_rights",
        "The bot may not manage topics: give it that right in the group's administrators.",
    ),
    _Text("chat_forwards_restricted", None, "not_copyable", "Telegram does not let bots copy this message."),
    _Text("message has protected content", None, "not_copyable", "The message is protected from being copied."),
    _Text("the group chat was deleted", "group", "group_deleted", "The group was deleted."),
    _Text("chat_admin_required", "group", "no_rights", "The bot is no administrator of the group."),
    _Text("need administrator rights in the channel", "group", "no_rights", "The bot may not post in the channel."),
    _Text("have no rights to send", "group", "no_rights", "The bot may not write in the group."),
    _Text(
        "bot can't send messages to bots", "customer", "is_a_bot", "The customer is a bot: bots can't write to it."
    ),
    _Text("user not found", "customer", "chat_not_found", "Telegram knows no such customer."),
    _Text("peer_id_invalid", "customer", "chat_not_found", "Telegram knows no such chat."),
    _Text("not enough rights", None, "no_rights", "The bot lacks a right that this needs in the group."),
    _Text("chat_write_forbidden", None, "no_rights", "The bot may not write there."),
    _Text("chat not found", "customer", "chat_not_found", "Telegram knows no such chat."),
    _Text("message to copy not found", "source", "source_deleted", "The message was deleted."),
    _Text("message can't be copied", None, "not_copyable", "Telegram does not let bots copy this message."),
    _Text("messages can't be forwarded", None, "not_copyable", "Telegram does not let bots copy these messages."),
    _Text("message to forward not found", "source", "source_deleted", "The message was deleted."),
    _Text("message can't be forwarded", None, "not_copyable", "Telegram does not let bots forward this message."),
    _Text("message to edit not found", None, "message_gone", "The message was deleted."),
    _Text("message can't be edited", None, "not_editable", "Telegram does not let the bot change this message."),
    _Text("message to delete not found", None, "message_gone", "The message was deleted."),
    _Text("message can't be deleted", None, "not_deletable", "Telegram does not let the bot delete this message."),
    _Text("message_delete_forbidden", None, "not_deletable", "Telegram does not let the bot delete this message."),
    _Text("message to react not found", None, "message_gone", "The message was deleted."),
    _Text("reaction_invalid", None, "reaction_refused", "Reactions with this emoji are not allowed there."),
    _Text("reactions_too_many", None, "reaction_refused", "More reactions are not allowed there."),
    _Text("message_edit_time_expired", None, "not_editable", "Telegram lets nobody change messages this old."),
    _Text("message_author_required", None, "not_editable", "Telegram does not let the bot change this message."),
    _Text("in the message to edit", None, "not_editable", "The message has nothing that could be changed so."),
    _Text("message_too_long", None, "too_long", "The text is longer than Telegram's 4096 characters."),
    _Text("media_caption_too_long", None, "too_long", "The caption is longer than Telegram's 1024 characters."),
    _Text("message_empty", None, "empty", "The text is empty."),
    _Text("quote_text_invalid", None, "bad_quote", "The quoted words do not stand in the message."),
    _Text("entity_bounds_invalid", None, "bad_formatting", "The text's formatting is broken."),
    _Text("media_invalid", None, "not_copyable", "Telegram does not let bots copy this message."),
    _Text("media_empty", None, "not_copyable", "Telegram does not let bots copy this message."),
    _Text("message is too long", None, "too_long", "The text is longer than Telegram's 4096 characters."),
    _Text("can't parse entities", None, "bad_formatting", "The text's formatting is broken."),
    _Text("message text is empty", None, "empty", "The text is empty."),
    _Text("topic_closed", None, "topic_closed", "The topic is closed."),
    _Text("topic_title_empty", None, "empty_title", "A topic needs a title."),
    _Text("name must be non-empty", None, "empty_title", "A topic needs a title."),
    _Text("topic_close_separately", None, "topic_refused", "Telegram does not close this topic with other changes."),
    _Text("topic_hide_separately", None, "topic_refused", "Telegram does not hide this topic with other changes."),
    _Text("voice_messages_forbidden", None, "forbidden_kind", "The customer takes no voice or video messages."),
    _Text("chat_send_", None, "forbidden_kind", "Messages of this kind are not allowed in that chat."),
    _Text("file is too big", None, "too_big", "The file is larger than bots may send."),
    _Text("request entity too large", None, "too_big", "The file is larger than bots may send."),
    _Text("wrong file identifier", None, "file_gone", "Telegram does not have this file any more."),
)

HARMLESS = ("topic_not_modified", "message is not modified")
"""Answers that mean: it is so already."""


def classify(status: int, description: str) -> SessionError:
    """The error for an answer without retry_after. `status` is the HTTP status, `description` Telegram's text."""
    lowered = description.lower()
    if status == HTTPStatus.UNAUTHORIZED or lowered in {"not found", "logged out"}:
        return Revoked()
    if status == HTTPStatus.CONFLICT:
        return Flaky("conflict", _conflict(lowered), ambiguous=False)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Flaky("server_error", "Telegram has a problem of its own.", ambiguous=True)
    for entry in _TEXTS:
        if entry.fragment in lowered:
            if entry.what is not None:
                return Gone(entry.what, entry.code, entry.sentence)
            return Rejected(entry.code, entry.sentence)
    return Rejected("refused", Phrase("Telegram refused: {description}", description=description[:200]))


def _conflict(lowered: str) -> str:
    if "webhook" in lowered:
        return "The bot has a webhook: another program receives its messages."
    return "Another program polls this bot with the same token: stop it, or connect the bot in parallel mode."
