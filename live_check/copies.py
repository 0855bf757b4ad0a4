"""Copies as the product makes them: short answers, topics and replies, keyboards without effect, edits afterwards."""

from collections.abc import Sequence
from typing import Any

from telethon.tl import types
from telethon.tl.functions.messages import EditMessageRequest, ForwardMessagesRequest, SendMessageRequest

from live_check.bot_api import Refused
from live_check.check import APP, BOTH, GROUP, Check, Differs, Holds, Undecided, Verdict
from live_check.stage import Stage, new_ids, new_random_id
from sessions.mtproto.texts import disabled

_NEW = (types.UpdateNewMessage, types.UpdateNewChannelMessage)


async def _three_without_the_middle(stage: Stage) -> tuple[list[int], int]:
    """The ids of three messages, and of the one that was deleted."""
    ids = [await stage.write_to_customer(stage.words(f"part {number}")) for number in range(3)]
    await stage.bot.call("deleteMessage", chat_id=stage.given.customer, message_id=ids[1])
    return ids, ids[1]


async def _short_copy(stage: Stage) -> Verdict:
    ids, _ = await _three_without_the_middle(stage)
    made = await stage.bot.call(
        "copyMessages",
        chat_id=stage.given.group,
        message_thread_id=await stage.topic(),
        from_chat_id=stage.given.customer,
        message_ids=ids,
    )
    return _is_two(len(made))


def _is_two(count: int) -> Verdict:
    return Holds() if count == 2 else Differs(f"{count} ids came for three messages of which one was deleted")  # noqa: PLR2004  # three without one


async def _short_forward(stage: Stage) -> Verdict:
    ids, _ = await _three_without_the_middle(stage)
    answer = await _forward(stage, ids, top_msg_id=await stage.topic())
    return _is_two(len(new_ids(answer)))


async def _forward(stage: Stage, ids: Sequence[int], **where: Any) -> Any:
    observer = await stage.observer()
    request = ForwardMessagesRequest(
        from_peer=await observer.person(stage.given.customer),
        id=list(ids),
        to_peer=await observer.group(stage.given.group),
        random_id=[new_random_id() for _ in ids],
        drop_author=True,
        **where,
    )
    return await observer.call(request)


def _message(answer: Any) -> Any:
    found = next((update.message for update in answer.updates if isinstance(update, _NEW)), None)
    if found is None:
        raise Undecided("the answer holds no message")
    return found


def _judge_place(message: Any, topic: int, reply_to: int | None) -> Verdict:
    """In the topic, without an author, as the reply."""
    if message.fwd_from is not None:
        return Differs("the copy names its author")
    header = message.reply_to
    root = getattr(header, "reply_to_top_id", None) or getattr(header, "reply_to_msg_id", None)
    if root != topic:
        return Differs(f"it stands in the topic {root}, not {topic}")
    if reply_to is not None and header.reply_to_msg_id != reply_to:
        return Differs(f"it replies to {header.reply_to_msg_id}, not {reply_to}")
    return Holds()


async def _into_topic(stage: Stage) -> Verdict:
    number, topic = await stage.write_to_customer(stage.words("into a topic")), await stage.topic()
    return _judge_place(_message(await _forward(stage, [number], top_msg_id=topic)), topic, None)


async def _as_reply(stage: Stage) -> Verdict:
    number, topic = await stage.write_to_customer(stage.words("as a reply")), await stage.topic()
    root = await stage.write_to_topic(stage.words("to be replied to"))
    reply = types.InputReplyToMessage(root, top_msg_id=topic)
    return _judge_place(_message(await _forward(stage, [number], reply_to=reply)), topic, root)


async def _edit_copy(stage: Stage) -> Verdict:
    number = await stage.write_to_customer(stage.words("to be copied"))
    made = await stage.bot.call(
        "copyMessage",
        chat_id=stage.given.group,
        message_thread_id=await stage.topic(),
        from_chat_id=stage.given.customer,
        message_id=number,
    )
    values = {"chat_id": stage.given.group, "message_id": made["message_id"], "text": stage.words("edited")}
    try:
        await stage.bot.call("editMessageText", **values)
    except Refused as refused:
        return Differs(f"{refused.code} {refused.text}")
    return Holds()


async def _edit_forward(stage: Stage) -> Verdict:
    number = await stage.write_to_customer(stage.words("to be forwarded"))
    copy = new_ids(await _forward(stage, [number], top_msg_id=await stage.topic()))[0]
    observer = await stage.observer()
    group = await observer.group(stage.given.group)
    try:
        await observer.call(EditMessageRequest(group, copy, message=stage.words("edited")))
    except Refused as refused:
        return Differs(f"{refused.code} {refused.text}")
    return Holds()


async def _dead_button(stage: Stage) -> Verdict:
    keyboard = {"inline_keyboard": [[{"text": "Without effect", "disabled": {}}]]}
    words, topic = stage.words("buttons"), await stage.topic()
    try:
        sent = await stage.bot.call(
            "sendMessage",
            chat_id=stage.given.group,
            message_thread_id=topic,
            text=words,
            reply_markup=keyboard,
        )
    except Refused as refused:
        return Differs(f"{refused.code} {refused.text}")
    rows = sent.get("reply_markup", {}).get("inline_keyboard", [])
    kept = [button for row in rows for button in row if "disabled" in button]
    return Holds() if kept else Differs("the message has no such button")


async def _dead_button_over_mtproto(stage: Stage) -> Verdict:
    observer = await stage.observer()
    request = SendMessageRequest(
        await observer.group(stage.given.group),
        stage.words("buttons"),
        random_id=new_random_id(),
        reply_to=types.InputReplyToMessage(await stage.topic()),
        reply_markup=disabled((("Without effect",),)),
    )
    try:
        message = _message(await observer.call(request))
    except Refused as refused:
        return Differs(f"{refused.code} {refused.text}")
    rows = getattr(message.reply_markup, "rows", ())
    kept = [button for row in rows for button in row.buttons if _is_dead(button)]
    return Holds() if kept else Differs("the message has no such button")


def _is_dead(button: Any) -> bool:
    return isinstance(button.type, types.InlineButtonTypeDisabled)


CHECKS = (
    Check(
        name="short-copy",
        asks="Does copyMessages leave out a message that was deleted in the middle, and answer with fewer ids?",
        premise="What is not there is left out in silence.",
        confidence="H",
        relied_on=("sessions/port.py:send", "sandbox/bot_api/methods/copying.py:_send_batch"),
        needs=BOTH,
        ask=_short_copy,
    ),
    Check(
        name="short-forward",
        asks="Does messages.forwardMessages do the same?",
        premise="What is not there is left out in silence.",
        confidence="M",
        relied_on=("sessions/mtproto/sending.py:_new_ids", "sandbox/mtproto/methods/sending.py:forward"),
        needs=BOTH | APP,
        ask=_short_forward,
    ),
    Check(
        name="copy-into-topic",
        asks="Does forwardMessages with drop_author and top_msg_id put a copy into the topic?",
        premise="It stands there without its author.",
        confidence="H",
        relied_on=("sessions/mtproto/sending.py:_forward", "sandbox/mtproto/methods/sending.py:forward"),
        needs=BOTH | APP,
        ask=_into_topic,
    ),
    Check(
        name="copy-as-reply",
        asks="And with reply_to, which names the message and the topic?",
        premise="It stands there as the reply.",
        confidence="L",
        relied_on=("sessions/mtproto/sending.py:_reply", "sandbox/mtproto/methods/sending.py:_place"),
        needs=BOTH | APP,
        ask=_as_reply,
    ),
    Check(
        name="copy-can-be-edited",
        asks="Can the bot edit what copyMessage made?",
        premise="A copy is the bot's own message.",
        confidence="H",
        relied_on=("sessions/bot_api/changes.py:edit_request", "sandbox/bot_api/methods/editing.py:_find_own"),
        needs=BOTH,
        ask=_edit_copy,
    ),
    Check(
        name="forward-can-be-edited",
        asks="Can the bot edit what forwardMessages with drop_author made?",
        premise="A copy is the bot's own message.",
        confidence="M",
        relied_on=("sessions/mtproto/sending.py:_edit", "sandbox/mtproto/methods/sending.py:edit"),
        needs=BOTH | APP,
        ask=_edit_forward,
    ),
    Check(
        name="dead-button",
        asks="Does sendMessage take a disabled button?",
        premise="InlineKeyboardButton.disabled is taken and kept (Bot API 10.3).",
        confidence="M",
        relied_on=("sessions/bot_api/mirrors.py:disabled", "sandbox/bot_api/keyboards.py:_ACTIONS"),
        needs=GROUP,
        ask=_dead_button,
    ),
    Check(
        name="dead-button-mtproto",
        asks="Does messages.sendMessage take InlineButtonTypeDisabled?",
        premise="It is taken and kept (layer 229).",
        confidence="M",
        relied_on=("sessions/mtproto/texts.py:disabled", "sandbox/mtproto/methods/render.py:read_markup"),
        needs=GROUP | APP,
        ask=_dead_button_over_mtproto,
    ),
)
