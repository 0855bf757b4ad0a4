"""The exact words of Telegram's refusals: the product reads them, and the sandbox repeats them."""

from collections.abc import Awaitable, Callable
from typing import Any

from telethon.tl import types
from telethon.tl.functions.messages import EditForumTopicRequest, SendMessageRequest

from live_check.bot_api import Refused
from live_check.check import APP, GROUP, Check, Differs, Holds, Need, Verdict
from live_check.stage import Stage, new_random_id

NO_SUCH_TOPIC = 2_000_000_000
THREAD_NOT_FOUND = "Bad Request: message thread not found"
TOPIC_DELETED = "TOPIC_DELETED"
TOPIC_CLOSED = "TOPIC_CLOSED"
TOPIC_NOT_MODIFIED = "TOPIC_NOT_MODIFIED"
QUOTE_TEXT_INVALID = "QUOTE_TEXT_INVALID"
NO_SUCH_QUOTE = "these words are not in it"


async def _says(call: Awaitable[Any], *expected: str) -> Verdict:
    try:
        await call
    except Refused as refused:
        said = f"{refused.code} {refused.text}"
        return Holds(said) if refused.text in expected else Differs(said)
    return Differs("it was carried out")


def _written(stage: Stage, topic: int, **more: Any) -> Awaitable[Any]:
    """Over the Bot API."""
    words = stage.words("a refused text")
    return stage.bot.call("sendMessage", chat_id=stage.given.group, message_thread_id=topic, text=words, **more)


async def _said(stage: Stage, reply: types.InputReplyToMessage) -> Any:
    """Over MTProto."""
    observer = await stage.observer()
    group = await observer.group(stage.given.group)
    words = stage.words("a refused text")
    return await observer.call(SendMessageRequest(group, words, random_id=new_random_id(), reply_to=reply))


async def _deleted_topic(stage: Stage) -> int:
    topic = await stage.make_topic(stage.words("to be deleted"))
    await stage.delete_topic(topic)
    return topic


async def _unknown_topic(stage: Stage) -> Verdict:
    return await _says(_written(stage, NO_SUCH_TOPIC), THREAD_NOT_FOUND)


async def _just_deleted(stage: Stage) -> Verdict:
    topic = await stage.make_topic(stage.words("to be deleted"))
    await _written(stage, topic)
    await stage.delete_topic(topic)
    return await _says(_written(stage, topic), f"Bad Request: {TOPIC_DELETED}")


async def _long_deleted(stage: Stage) -> Verdict:
    topic = await _deleted_topic(stage)
    await stage.pause(stage.patience.quiet)
    return await _says(_written(stage, topic), THREAD_NOT_FOUND)


async def _deleted_over_mtproto(stage: Stage) -> Verdict:
    topic = await _deleted_topic(stage)
    return await _says(_said(stage, types.InputReplyToMessage(topic)), TOPIC_DELETED)


async def _close(stage: Stage) -> int:
    topic = await stage.make_topic(stage.words("closed"))
    await stage.bot.call("closeForumTopic", chat_id=stage.given.group, message_thread_id=topic)
    return topic


async def _closed_for_admin(stage: Stage) -> Verdict:
    topic = await _close(stage)
    try:
        await _written(stage, topic)
    except Refused as refused:
        return Differs(f"{refused.code} {refused.text}")
    return Holds()


async def _closed_for_others(stage: Stage) -> Verdict:
    topic, other = await _close(stage), stage.second_bot()
    words = stage.words("a refused text")
    call = other.call("sendMessage", chat_id=stage.given.group, message_thread_id=topic, text=words)
    return await _says(call, f"Bad Request: {TOPIC_CLOSED}")


async def _same_name(stage: Stage) -> Verdict:
    name = stage.words("the same name")
    topic = await stage.make_topic(name)
    call = stage.bot.call("editForumTopic", chat_id=stage.given.group, message_thread_id=topic, name=name)
    return await _says(call, f"Bad Request: {TOPIC_NOT_MODIFIED}")


async def _same_name_over_mtproto(stage: Stage) -> Verdict:
    observer, name = await stage.observer(), stage.words("the same name")
    topic = await stage.make_topic(name)
    request = EditForumTopicRequest(await observer.group(stage.given.group), topic, title=name)
    return await _says(observer.call(request), TOPIC_NOT_MODIFIED)


async def _closed_twice(stage: Stage) -> Verdict:
    topic = await _close(stage)
    call = stage.bot.call("closeForumTopic", chat_id=stage.given.group, message_thread_id=topic)
    return await _says(call, f"Bad Request: {TOPIC_NOT_MODIFIED}")


async def _foreign_bot(stage: Stage) -> Verdict:
    """About itself, which no bot manages."""
    me = await stage.bot.call("getMe")
    return await _says(stage.bot.call("getManagedBotToken", user_id=me["id"]), "Bad Request: BOT_INVALID")


async def _wrong_quote(stage: Stage) -> Verdict:
    number = await stage.write_to_topic(stage.words("to be quoted"))
    reply = {"message_id": number, "quote": NO_SUCH_QUOTE}
    call = _written(stage, await stage.topic(), reply_parameters=reply)
    return await _says(call, f"Bad Request: {QUOTE_TEXT_INVALID}")


async def _wrong_quote_over_mtproto(stage: Stage) -> Verdict:
    number = await stage.write_to_topic(stage.words("to be quoted"))
    reply = types.InputReplyToMessage(number, top_msg_id=await stage.topic(), quote_text=NO_SUCH_QUOTE)
    return await _says(_said(stage, reply), QUOTE_TEXT_INVALID)


_TEXTS = "sessions/errors.py:_TEXTS"
_TARGETS = "sandbox/bot_api/targets.py"
_SENDING = "sandbox/mtproto/methods/sending.py"
_Ask = Callable[[Stage], Awaitable[Verdict]]


def _check(
    name: str, asks: str, premise: str, relied_on: tuple[str, ...], ask: _Ask, *more: Need, app: bool = False
) -> Check:
    needs = GROUP | (APP if app else frozenset()) | frozenset(more)
    return Check(name, asks, premise, "M", relied_on, needs, ask)


CHECKS = (
    _check(
        "unknown-topic",
        "What does sendMessage say to a topic that never was?",
        THREAD_NOT_FOUND,
        (_TEXTS, f"{_TARGETS}:no_topic"),
        _unknown_topic,
    ),
    _check(
        "topic-just-deleted",
        "And to a topic that was deleted a moment after it was written to?",
        f"{TOPIC_DELETED}, while the Bot API server still believes in the topic.",
        (_TEXTS, "sandbox/world/rules.py:topic_deleted_text_for"),
        _just_deleted,
    ),
    _check(
        "topic-long-deleted",
        "And a minute after its deletion?",
        THREAD_NOT_FOUND,
        (_TEXTS, "sandbox/world/rules.py:topic_deleted_text_for"),
        _long_deleted,
        Need.PATIENCE,
    ),
    _check(
        "topic-deleted-mtproto",
        "What does messages.sendMessage say to a deleted topic?",
        TOPIC_DELETED,
        (_TEXTS, f"{_SENDING}:_open_topic"),
        _deleted_over_mtproto,
        app=True,
    ),
    _check(
        "closed-topic-admin",
        "May an administrator that manages topics write to a closed one?",
        "It may.",
        ("sandbox/world/topics.py:may_post",),
        _closed_for_admin,
    ),
    _check(
        "closed-topic-others",
        "What is said to a bot that is a member only (the second one)?",
        TOPIC_CLOSED,
        (_TEXTS, "sandbox/world/topics.py:may_post"),
        _closed_for_others,
        Need.SECOND_BOT,
    ),
    _check(
        "topic-same-name",
        "What does editForumTopic say to the name that a topic has already?",
        TOPIC_NOT_MODIFIED,
        ("sessions/errors.py:HARMLESS", "sandbox/bot_api/methods/forum.py"),
        _same_name,
    ),
    _check(
        "topic-same-name-mtproto",
        "And messages.editForumTopic?",
        TOPIC_NOT_MODIFIED,
        ("sessions/mtproto/session.py:_change_topic", "sandbox/mtproto/methods/forum.py:_refuse_no_change"),
        _same_name_over_mtproto,
        app=True,
    ),
    _check(
        "topic-closed-twice",
        "What does closeForumTopic say to a closed topic?",
        TOPIC_NOT_MODIFIED,
        ("sessions/errors.py:HARMLESS", "sandbox/bot_api/methods/forum.py:_toggle"),
        _closed_twice,
    ),
    Check(
        name="unmanaged-bot",
        asks="What does getManagedBotToken say about a bot that is not managed?",
        premise="BOT_INVALID",
        confidence="M",
        relied_on=("sandbox/bot_api/methods/account.py:_managed",),
        needs=frozenset({Need.BOT}),
        ask=_foreign_bot,
    ),
    _check(
        "wrong-quote",
        "What does sendMessage say to a quote that is not in the message?",
        QUOTE_TEXT_INVALID,
        (f"{_TARGETS}:_quote",),
        _wrong_quote,
    ),
    _check(
        "wrong-quote-mtproto",
        "And messages.sendMessage?",
        QUOTE_TEXT_INVALID,
        (f"{_SENDING}:_place",),
        _wrong_quote_over_mtproto,
        app=True,
    ),
)
