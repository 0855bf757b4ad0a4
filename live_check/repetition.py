"""Sending the same again: RANDOM_ID_DUPLICATE is what exactly once is built on."""

from telethon.tl import TLRequest
from telethon.tl.functions.messages import CreateForumTopicRequest, ForwardMessagesRequest, SendMessageRequest

from live_check.bot_api import Refused
from live_check.check import APP, BOTH, GROUP, PRIVATE, Check, Differs, Holds, Verdict
from live_check.observer import Observer
from live_check.stage import Stage, new_ids, new_random_id

DUPLICATE = "RANDOM_ID_DUPLICATE"


async def _repeat(stage: Stage, observer: Observer, request: TLRequest, *, is_private: bool = False) -> Verdict:
    try:
        again = await observer.call(request)
    except Refused as refused:
        return Holds() if refused.text == DUPLICATE else Differs(f"refused as {refused.text}")
    if is_private:
        stage.litter(new_ids(again))
    return Differs("it was sent a second time")


async def _text(stage: Stage) -> Verdict:
    observer = await stage.observer()
    request = await _to_customer(stage, observer)
    stage.litter(new_ids(await observer.call(request)))
    return await _repeat(stage, observer, request, is_private=True)


async def _to_customer(stage: Stage, observer: Observer) -> SendMessageRequest:
    peer = await observer.person(stage.given.customer)
    return SendMessageRequest(peer, stage.words("once"), random_id=new_random_id())


async def _forward(stage: Stage) -> Verdict:
    observer = await stage.observer()
    number = await stage.write_to_customer(stage.words("to be copied once"))
    request = ForwardMessagesRequest(
        from_peer=await observer.person(stage.given.customer),
        id=[number],
        to_peer=await observer.group(stage.given.group),
        random_id=[new_random_id()],
        drop_author=True,
        top_msg_id=await stage.topic(),
    )
    await observer.call(request)
    return await _repeat(stage, observer, request)


async def _topic(stage: Stage) -> Verdict:
    observer = await stage.observer()
    group = await observer.group(stage.given.group)
    request = CreateForumTopicRequest(group, stage.words("once"), random_id=new_random_id())
    await stage.make_topic_by_mtproto(request)
    try:
        await stage.make_topic_by_mtproto(request)
    except Refused as refused:
        return Holds() if refused.text == DUPLICATE else Differs(f"refused as {refused.text}")
    return Differs("a second topic was made")


async def _new_login(stage: Stage) -> Verdict:
    first = await stage.observer()
    request = await _to_customer(stage, first)
    stage.litter(new_ids(await first.call(request)))
    second = stage.new_observer()
    try:
        await second.enter()
        return await _repeat(stage, second, request, is_private=True)
    finally:
        await second.log_out()


_TAKEN_ONCE = "sandbox/mtproto/methods/sending.py:take_random"

CHECKS = (
    Check(
        name="text-is-taken-once",
        asks="Is messages.sendMessage with a random_id of before refused?",
        premise="RANDOM_ID_DUPLICATE",
        confidence="M",
        relied_on=("sessions/mtproto/sending.py:SentBefore", _TAKEN_ONCE),
        needs=PRIVATE | APP,
        ask=_text,
    ),
    Check(
        name="copy-is-taken-once",
        asks="Is messages.forwardMessages with a random_id of before refused?",
        premise="RANDOM_ID_DUPLICATE",
        confidence="M",
        relied_on=("sessions/mtproto/sending.py:SentBefore", _TAKEN_ONCE),
        needs=BOTH | APP,
        ask=_forward,
    ),
    Check(
        name="topic-is-made-once",
        asks="Is messages.createForumTopic with a random_id of before refused?",
        premise="RANDOM_ID_DUPLICATE",
        confidence="M",
        relied_on=("sessions/mtproto/sending.py:create_topic", "sandbox/mtproto/methods/forum.py:refuse_repeats"),
        needs=GROUP | APP,
        ask=_topic,
    ),
    Check(
        name="new-login-remembers",
        asks="Does another login of the bot's refuse a random_id that the first has used?",
        premise="random_ids belong to the bot, not to its login; the product looks first, in case they don't.",
        confidence="L",
        relied_on=("sessions/mtproto/doubts.py", _TAKEN_ONCE),
        needs=PRIVATE | APP,
        ask=_new_login,
    ),
)
