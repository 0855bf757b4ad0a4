"""Telegram's exact texts, each with the one error that it means and one sentence for a person."""

import pytest

from sessions.errors import Flaky, Gone, Rejected, Revoked, SessionError, classify

TEXTS: list[tuple[int, str, type[SessionError], str]] = [
    (400, "Bad Request: message thread not found", Gone, "topic_deleted"),
    (400, "Bad Request: TOPIC_DELETED", Gone, "topic_deleted"),
    (400, "Bad Request: TOPIC_ID_INVALID", Gone, "topic_deleted"),
    (400, "Bad Request: TOPIC_CLOSED", Rejected, "topic_closed"),
    (400, "Bad Request: TOPIC_TITLE_EMPTY", Rejected, "empty_title"),
    (400, "Bad Request: name must be non-empty", Rejected, "empty_title"),
    (400, "Bad Request: TOPIC_CLOSE_SEPARATELY", Rejected, "topic_refused"),
    (400, "Bad Request: TOPIC_HIDE_SEPARATELY", Rejected, "topic_refused"),
    (400, "Bad Request: CHANNEL_FORUM_MISSING", Gone, "no_forum"),
    (400, "Bad Request: the chat is not a forum", Gone, "no_forum"),
    (400, "Bad Request: the chat is not a supergroup forum", Gone, "no_forum"),
    (400, "Bad Request: not enough rights to create a topic", Gone, "no_rights"),
    (400, "Bad Request: not enough rights to edit the topic", Rejected, "no_rights"),
    (400, "Bad Request: have no rights to send a message", Gone, "no_rights"),
    (400, "Bad Request: CHAT_ADMIN_REQUIRED", Gone, "no_rights"),
    (400, "Bad Request: chat not found", Gone, "chat_not_found"),
    (400, "Bad Request: PEER_ID_INVALID", Gone, "chat_not_found"),
    (400, "Bad Request: user not found", Gone, "chat_not_found"),
    (403, "Forbidden: bot was kicked from the supergroup chat", Gone, "kicked"),
    (403, "Forbidden: bot is not a member of the supergroup chat", Gone, "not_a_member"),
    (403, "Forbidden: the group chat was deleted", Gone, "group_deleted"),
    (403, "Forbidden: bot was blocked by the user", Gone, "blocked"),
    (403, "Forbidden: user is deactivated", Gone, "deactivated"),
    (403, "Forbidden: bot can't initiate conversation with a user", Gone, "never_started"),
    (403, "Forbidden: bot can't send messages to bots", Gone, "is_a_bot"),
    (400, "Bad Request: group chat was upgraded to a supergroup chat", Gone, "migrated"),
    (400, "Bad Request: message to copy not found", Gone, "source_deleted"),
    (400, "Bad Request: message can't be copied", Rejected, "not_copyable"),
    (400, "Bad Request: the message has protected content and can't be forwarded", Rejected, "not_copyable"),
    (400, "Bad Request: CHAT_FORWARDS_RESTRICTED", Rejected, "not_copyable"),
    (400, "Bad Request: message is too long", Rejected, "too_long"),
    (400, "Bad Request: message text is empty", Rejected, "empty"),
    (400, "Bad Request: can't parse entities: Character '.' is reserved", Rejected, "bad_formatting"),
    (400, "Bad Request: VOICE_MESSAGES_FORBIDDEN", Rejected, "forbidden_kind"),
    (400, "Bad Request: CHAT_SEND_PHOTOS_FORBIDDEN", Rejected, "forbidden_kind"),
    (413, "Request Entity Too Large", Rejected, "too_big"),
    (400, "Bad Request: something that nobody has seen", Rejected, "refused"),
    (401, "Unauthorized", Revoked, "revoked"),
    (404, "Not Found", Revoked, "revoked"),
    (400, "Logged out", Revoked, "revoked"),
    (409, "Conflict: terminated by other getUpdates request", Flaky, "conflict"),
    (409, "Conflict: can't use getUpdates method while webhook is active", Flaky, "conflict"),
    (500, "Internal Server Error: restart", Flaky, "server_error"),
    (502, "Bad Gateway", Flaky, "server_error"),
]


@pytest.mark.parametrize(("status", "text", "kind", "code"), TEXTS, ids=lambda value: str(value)[:40])
def test_a_text_means_one_error(status: int, text: str, kind: type[SessionError], code: str) -> None:
    error = classify(status, text)
    assert (type(error), error.code) == (kind, code)
    assert error.text[0].isupper()
    assert "\n" not in error.text


def test_a_webhook_is_not_the_same_trouble_as_another_poller() -> None:
    webhook = classify(409, "Conflict: can't use getUpdates method while webhook is active")
    poller = classify(409, "Conflict: terminated by other getUpdates request")
    assert "webhook" in webhook.text
    assert "parallel mode" in poller.text
