"""The premise of parallel mode: what is sent over the Bot API reaches the bot's MTProto session, with its ids."""

from collections.abc import Callable
from time import monotonic

from telethon.tl import types
from telethon.tl.functions.messages import GetMessagesRequest, SendMessageRequest

from live_check.check import APP, BOTH, GROUP, PRIVATE, Check, Differs, Holds, Need, Unknown, Verdict
from live_check.observer import Observer, Seen
from live_check.stage import Stage, new_ids, new_random_id

STREAM = "sandbox/mtproto/methods/stream.py"


async def _judge(stage: Stage, observer: Observer, met: Callable[[Seen], bool]) -> Verdict:
    """Right after the Bot API's answer: whether and when the update comes."""
    answered_at = monotonic()
    seen = await observer.wait_for(met, stage.patience.arriving)
    if seen is None:
        return Differs(f"nothing came within {stage.patience.arriving:.0f} s")
    late = seen.at - answered_at
    when = f"{abs(late):.2f} s {'after' if late >= 0 else 'before'} the Bot API's answer"
    if seen.what == "new" and not seen.outgoing:
        return Differs(f"it came as an incoming message, {when}")
    return Holds(when)


async def _text(stage: Stage) -> Verdict:
    observer = await stage.observer()
    number = await stage.write_to_customer(stage.words("a text"))
    return await _judge(stage, observer, lambda seen: seen.what == "new" and seen.id == number)


async def _album(stage: Stage) -> Verdict:
    observer = await stage.observer()
    files = [(name, f"{stage.words(name)}\n".encode()) for name in ("one", "two")]
    ids = stage.litter(await stage.bot.send_documents(stage.given.customer, files))
    verdict = await _judge(stage, observer, lambda seen: seen.what == "new" and seen.id == ids[-1])
    parts = [seen for seen in observer.seen if seen.what == "new" and seen.id in ids]
    albums = {seen.album for seen in parts}
    if isinstance(verdict, Holds) and (len(parts) != len(ids) or len(albums) != 1 or None in albums):
        return Differs(f"{len(parts)} of {len(ids)} parts came, with {len(albums)} grouped_ids")
    return verdict


async def _edit(stage: Stage) -> Verdict:
    observer = await stage.observer()
    number = await stage.write_to_customer(stage.words("before the edit"))
    words = stage.words("after the edit")
    await stage.bot.call("editMessageText", chat_id=stage.given.customer, message_id=number, text=words)
    return await _judge(stage, observer, lambda seen: seen.what == "edited" and seen.id == number)


async def _deletion(stage: Stage) -> Verdict:
    observer = await stage.observer()
    number = await stage.write_to_customer(stage.words("to be deleted"))
    await stage.bot.call("deleteMessage", chat_id=stage.given.customer, message_id=number)
    return await _judge(stage, observer, lambda seen: seen.what == "deleted" and seen.id == number)


async def _text_in_topic(stage: Stage) -> Verdict:
    observer = await stage.observer()
    number = await stage.write_to_topic(stage.words("a text in a topic"))
    group = stage.given.group
    return await _judge(stage, observer, lambda seen: (seen.what, seen.chat, seen.id) == ("new", group, number))


async def _ids_of_bot_api(stage: Stage) -> Verdict:
    words = stage.words("its id")
    number = await stage.write_to_customer(words)
    answer = await (await stage.observer()).call(GetMessagesRequest([types.InputMessageID(number)]))
    found = answer.messages[0]
    text = getattr(found, "message", None)
    return Holds() if text == words else Differs(f"the id {number} is {type(found).__name__} over MTProto")


async def _ids_of_mtproto(stage: Stage) -> Verdict:
    observer, customer = await stage.observer(), stage.given.customer
    peer = await observer.person(customer)
    answer = await observer.call(SendMessageRequest(peer, stage.words("its id"), random_id=new_random_id()))
    number = new_ids(answer)[0]
    stage.litter([number])
    words = stage.words("edited over the Bot API")
    edited = await stage.bot.call("editMessageText", chat_id=customer, message_id=number, text=words)
    return Holds() if edited["message_id"] == number else Differs(f"the Bot API calls it {edited['message_id']}")


async def _ids_of_incoming(stage: Stage) -> Verdict:
    observer, customer = await stage.observer(), stage.given.customer
    since = len(observer.seen)
    stage.tell(f"  → The person LIVE_CUSTOMER_ID: write any text to the bot within {stage.patience.answering:.0f} s.")

    def is_it(seen: Seen) -> bool:
        fresh = seen in observer.seen[since:]
        return fresh and seen.what == "new" and seen.chat == customer and not seen.outgoing

    seen = await observer.wait_for(is_it, stage.patience.answering)
    if seen is None:
        return Unknown("nobody wrote, or it did not reach the MTProto session")
    copy = await stage.bot.call(
        "forwardMessage",
        chat_id=stage.given.group,
        message_thread_id=await stage.topic(),
        from_chat_id=customer,
        message_id=seen.id,
    )
    same = copy.get("text", "") == seen.text
    return Holds() if same else Differs(f"the Bot API has another message with the id {seen.id}")


_SAME_IDS = ("sessions/mtproto/sending.py:_read_sources", "worker/decisions/program.py")

CHECKS = (
    Check(
        name="sent-text-is-seen",
        asks="Does a text sent over the Bot API reach the MTProto session as outgoing, and how late?",
        premise="Outgoing messages come to all sessions but the one that sent them.",
        confidence="M",
        relied_on=("worker/decisions/program.py:program_wrote", f"{STREAM}:_push_event"),
        needs=PRIVATE | APP,
        ask=_text,
    ),
    Check(
        name="sent-album-is-seen",
        asks="Do all parts of an album come, with one grouped_id?",
        premise="An album is as many outgoing messages with the same grouped_id.",
        confidence="M",
        relied_on=("worker/decisions/program.py:program_wrote", "sessions/mtproto/reader.py"),
        needs=PRIVATE | APP,
        ask=_album,
    ),
    Check(
        name="edit-is-seen",
        asks="Does an edit over the Bot API come to the MTProto session?",
        premise="updateEditMessage comes for the bot's own edits, too.",
        confidence="M",
        relied_on=("worker/decisions/program.py:program_edited", f"{STREAM}:update_of"),
        needs=PRIVATE | APP,
        ask=_edit,
    ),
    Check(
        name="deletion-is-seen",
        asks="Does a deletion over the Bot API come to the MTProto session, and how late?",
        premise="updateDeleteMessages comes at once.",
        confidence="L",
        relied_on=(f"{STREAM}:update_of",),
        needs=PRIVATE | APP,
        ask=_deletion,
    ),
    Check(
        name="sent-to-topic-is-seen",
        asks="Does a text sent to a topic over the Bot API reach the MTProto session as outgoing?",
        premise="Supergroups are told like private chats.",
        confidence="M",
        relied_on=(f"{STREAM}:_push_event", "sessions/mtproto/mailbox.py"),
        needs=GROUP | APP,
        ask=_text_in_topic,
    ),
    Check(
        name="bot-api-ids-hold-in-mtproto",
        asks="Is a message_id of the Bot API the same message over MTProto?",
        premise="Message ids are the same numbers in both.",
        confidence="H",
        relied_on=_SAME_IDS,
        needs=PRIVATE | APP,
        ask=_ids_of_bot_api,
    ),
    Check(
        name="mtproto-ids-hold-in-bot-api",
        asks="Is an id of MTProto the same message for the Bot API?",
        premise="Message ids are the same numbers in both.",
        confidence="H",
        relied_on=_SAME_IDS,
        needs=PRIVATE | APP,
        ask=_ids_of_mtproto,
    ),
    Check(
        name="incoming-ids-agree",
        asks="Can the Bot API forward a customer's message by the id that MTProto told?",
        premise="Message ids are the same numbers in both.",
        confidence="H",
        relied_on=_SAME_IDS,
        needs=BOTH | APP | {Need.PERSON},
        ask=_ids_of_incoming,
    ),
)
