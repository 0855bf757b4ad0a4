"""What a session is told after it was away, and whom it may ask about without an access hash."""

from typing import Any

from telethon.tl import types
from telethon.tl.functions.channels import GetChannelsRequest
from telethon.tl.functions.updates import GetChannelDifferenceRequest, GetDifferenceRequest, GetStateRequest
from telethon.tl.functions.users import GetUsersRequest

from live_check.check import APP, GROUP, PRIVATE, Check, Differs, Holds, Undecided, Unknown, Verdict
from live_check.observer import Observer
from live_check.stage import Stage
from sessions.mtproto.reader import CHANNELS

MOST_SLICES = 50
LIMIT = 100


async def _private(stage: Stage) -> Verdict:
    observer = await stage.observer()
    before = await observer.call(GetStateRequest())
    await observer.leave()
    try:
        number = await stage.write_to_customer(stage.words("while away"))
        await stage.pause(stage.patience.away)
    finally:
        await observer.enter()
    if any(message.id == number for message in await _difference(observer, before)):
        return Holds(f"after {stage.patience.away:.0f} s")
    return Differs("what the bot sent meanwhile is not in it")


async def _difference(observer: Observer, state: Any) -> list[Any]:
    messages: list[Any] = []
    for _ in range(MOST_SLICES):
        answer = await observer.call(GetDifferenceRequest(pts=state.pts, date=state.date, qts=state.qts))
        messages += getattr(answer, "new_messages", [])
        if not isinstance(answer, types.updates.DifferenceSlice):
            return messages
        state = answer.intermediate_state
    raise Undecided(f"the difference has more than {MOST_SLICES} slices")


async def _group(stage: Stage) -> Verdict:
    observer, group = await stage.observer(), stage.given.group
    first = await stage.write_to_topic(stage.words("before going away"))
    seen = await observer.wait_for(lambda one: (one.chat, one.id) == (group, first), stage.patience.arriving)
    if seen is None:
        return Unknown("the group's pts is not known: see sent-to-topic-is-seen")
    channel = await observer.channel(group)
    await observer.leave()
    try:
        number = await stage.write_to_topic(stage.words("while away"))
        await stage.pause(stage.patience.away)
    finally:
        await observer.enter()
    everything = types.ChannelMessagesFilterEmpty()
    answer = await observer.call(GetChannelDifferenceRequest(channel, everything, seen.pts, LIMIT, force=False))
    if any(message.id == number for message in getattr(answer, "new_messages", ())):
        return Holds(f"after {stage.patience.away:.0f} s")
    return Differs(f"what the bot sent meanwhile is not in the {type(answer).__name__}")


async def _person_without_hash(stage: Stage) -> Verdict:
    observer = await stage.observer()
    found = (await observer.call(GetUsersRequest([types.InputUser(stage.given.customer, 0)])))[0]
    if isinstance(found, types.User) and found.access_hash:
        return Holds()
    return Differs(f"it answers {type(found).__name__}{'' if isinstance(found, types.UserEmpty) else ' without one'}")


async def _group_without_hash(stage: Stage) -> Verdict:
    observer = await stage.observer()
    wanted = types.InputChannel(CHANNELS - stage.given.group, 0)
    found = (await observer.call(GetChannelsRequest([wanted]))).chats
    return Holds() if found and getattr(found[0], "access_hash", None) else Differs("it tells no access hash")


_DIFFERENCE = "sessions/mtproto/mailbox.py"

CHECKS = (
    Check(
        name="private-difference-is-whole",
        asks="Is what the bot sent over the Bot API while the MTProto session was away in updates.getDifference?",
        premise="A difference holds outgoing messages, too.",
        confidence="M",
        relied_on=(_DIFFERENCE, "sandbox/mtproto/methods/stream.py:difference"),
        needs=PRIVATE | APP,
        ask=_private,
    ),
    Check(
        name="group-difference-is-whole",
        asks="And in updates.getChannelDifference of the group?",
        premise="Bots may ask for a supergroup's difference, and it holds their own messages.",
        confidence="M",
        relied_on=(_DIFFERENCE, "sandbox/mtproto/methods/stream.py:channel_difference"),
        needs=GROUP | APP,
        ask=_group,
    ),
    Check(
        name="person-without-hash",
        asks="Does users.getUsers with access_hash 0 tell a bot about whom it has met?",
        premise="Bots may ask with 0.",
        confidence="M",
        relied_on=("sessions/mtproto/peers.py:_ask", "sandbox/mtproto/methods/peers.py:_knows"),
        needs=PRIVATE | APP,
        ask=_person_without_hash,
    ),
    Check(
        name="group-without-hash",
        asks="Does channels.getChannels with access_hash 0 tell a bot about its group?",
        premise="Bots may ask with 0.",
        confidence="M",
        relied_on=("sessions/mtproto/peers.py:_ask", "sandbox/mtproto/methods/peers.py:supergroup"),
        needs=GROUP | APP,
        ask=_group_without_hash,
    ),
)
