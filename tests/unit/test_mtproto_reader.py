"""What a parallel session makes of Telegram's updates, members and refusals that the sandbox does not send."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from telethon.errors import rpc_message_to_error
from telethon.tl import functions, types
from telethon.tl.types import updates as answers

from sessions.errors import Flaky, FloodWait, Gone, Rejected, Revoked
from sessions.events import ChatKind, Cursor, Message, Other, StandingChanged
from sessions.kept import load_event
from sessions.mtproto.mailbox import Mail, Mailbox, State
from sessions.mtproto.members import read_membership
from sessions.mtproto.reader import Reader
from sessions.mtproto.refusals import AppRefused, LoginLost, Migrate, SentBefore, read_refusal
from tenants.ids import UserId

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ANN = types.User(id=77, access_hash=1, first_name="Ann")
ME = UserId(5)


def private(number: int, words: str, **more: Any) -> Any:
    return types.Message(id=number, peer_id=types.PeerUser(77), date=NOW, message=words, **more)


def new(number: int, words: str, pts: int = 0, count: int = 0) -> Any:
    return types.UpdateNewMessage(message=private(number, words), pts=pts, pts_count=count)


def mail(*updates: Any) -> Mail:
    made = Mail()
    made.add(updates, [ANN], [])
    return made


def test_one_update_that_can_not_be_read_spoils_no_other() -> None:
    class Broken:
        pass

    unreadable = types.UpdateNewMessage(message=Broken(), pts=1, pts_count=1)
    read = Reader(ME).read(mail(new(1, "one"), unreadable, new(2, "two")), Cursor("c"))
    assert [getattr(incoming.event, "text", None) for incoming in read] == ["one", None, "two"]
    assert read[1].event == Other("UpdateNewMessage", "unreadable")
    assert [load_event(incoming.raw).event for incoming in read] == [incoming.event for incoming in read]


def test_a_message_has_one_number_however_it_came() -> None:
    reader = Reader(ME)
    pushed, told, other = reader.read(mail(new(1, "one", 10, 1), new(1, "one"), new(2, "one")), Cursor("c"))
    assert pushed.id == told.id != other.id


def test_what_is_not_known_says_so() -> None:
    (read,) = Reader(ME).read(mail(types.UpdateUserTyping(77, types.SendMessageTypingAction())), Cursor("c"))
    assert (read.kind, read.event) == ("UpdateUserTyping", Other("UpdateUserTyping", "unknown_kind"))


class Answering:
    """Answers each request as it is told."""

    def __init__(self, *told: Any) -> None:
        self.requests: list[Any] = []
        self._told = list(told)

    async def __call__(self, request: Any) -> Any:
        self.requests.append(request)
        answer = self._told.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def state(pts: int) -> Any:
    return answers.State(pts=pts, qts=0, date=NOW, seq=1, unread_count=0)


def difference(pts: int, messages: list[Any], others: list[Any], users: list[Any] | None = None) -> Any:
    return answers.Difference(
        new_messages=messages,
        new_encrypted_messages=[],
        other_updates=others,
        chats=[],
        users=users or [ANN],
        state=state(pts),
    )


async def collected(box: Mailbox, call: Answering, *pushed: Any) -> Mail:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    for one in pushed:
        queue.put_nowait(one)
    return await box.collect(call, queue, 0.05)


@pytest.mark.parametrize(
    "short",
    [
        types.UpdateShortMessage(id=9, user_id=77, message="hi", pts=11, pts_count=1, date=NOW),
        types.UpdateShortChatMessage(id=9, from_id=77, chat_id=3, message="hi", pts=11, pts_count=1, date=NOW),
        types.UpdatesTooLong(),
    ],
)
async def test_what_is_told_in_short_is_asked_for_in_full(short: Any) -> None:
    box = Mailbox()
    box.load(State(pts=10, date=1, tops={0: 8}))
    call = Answering(difference(11, [private(9, "hi")], []))
    told = await collected(box, call, short)
    assert [update.message.message for update in told.updates] == ["hi"]
    assert 77 in told.people
    assert box.save().pts == 11


async def test_edits_in_a_difference_come_after_what_is_new() -> None:
    box = Mailbox()
    box.load(State(pts=10, date=1, tops={0: 8}))
    box.suspect()
    edit = types.UpdateEditMessage(message=private(9, "better"), pts=12, pts_count=1)
    stopped = types.UpdateBotStopped(user_id=77, date=NOW, stopped=True, qts=4)
    told = await collected(box, Answering(difference(12, [private(9, "hi")], [edit, stopped])))
    assert [type(update) for update in told.updates] == [
        types.UpdateNewMessage,
        types.UpdateEditMessage,
        types.UpdateBotStopped,
    ]


async def test_a_difference_that_breaks_is_handed_out_with_the_next_one() -> None:
    box = Mailbox()
    box.load(State(pts=10, date=1, tops={0: 8}))
    box.suspect()
    part = answers.DifferenceSlice(
        new_messages=[private(9, "one")],
        new_encrypted_messages=[],
        other_updates=[],
        chats=[],
        users=[ANN],
        intermediate_state=state(11),
    )
    trouble = Flaky("server_error", "Telegram has a problem of its own.", ambiguous=True)
    call = Answering(part, trouble, difference(12, [private(10, "two")], []))
    with pytest.raises(Flaky):
        await collected(box, call)
    told = await collected(box, call)
    assert [update.message.message for update in told.updates] == ["one", "two"]
    assert [request.pts for request in call.requests] == [10, 11, 11]


RIGHTS = types.ChatAdminRights(manage_topics=True, other=True)


@pytest.mark.parametrize(
    ("participant", "status", "may"),
    [
        (types.ChannelParticipantCreator(user_id=1, admin_rights=RIGHTS), "creator", True),
        (
            types.ChannelParticipantAdmin(user_id=1, promoted_by=2, date=NOW, admin_rights=RIGHTS),
            "administrator",
            True,
        ),
        (types.ChannelParticipant(user_id=1, date=NOW), "member", False),
        (types.ChannelParticipantSelf(user_id=1, inviter_id=2, date=NOW), "member", False),
        (types.ChannelParticipantLeft(peer=types.PeerUser(1)), "left", False),
        *(
            (
                types.ChannelParticipantBanned(
                    peer=types.PeerUser(1),
                    kicked_by=2,
                    date=NOW,
                    banned_rights=types.ChatBannedRights(until_date=None, view_messages=kicked, send_messages=True),
                    left=left,
                ),
                status,
                False,
            )
            for kicked, left, status in [(True, True, "kicked"), (False, False, "restricted"), (False, True, "left")]
        ),
    ],
)
def test_every_kind_of_member_is_told(participant: Any, status: str, *, may: bool) -> None:
    told = read_membership(participant)
    assert (told.status, told.may("can_manage_topics")) == (status, may)


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (401, "SESSION_REVOKED", LoginLost),
        (401, "AUTH_KEY_UNREGISTERED", LoginLost),
        (401, "SOMETHING_NEW", LoginLost),
        (406, "AUTH_KEY_DUPLICATED", LoginLost),
        (401, "USER_DEACTIVATED", Revoked),
        (401, "USER_DEACTIVATED_BAN", Revoked),
        (400, "ACCESS_TOKEN_EXPIRED", Revoked),
        (400, "ACCESS_TOKEN_INVALID", Revoked),
        (400, "API_ID_INVALID", AppRefused),
        (303, "USER_MIGRATE_4", Migrate),
        (500, "RANDOM_ID_DUPLICATE", SentBefore),
        (420, "FLOOD_WAIT_37", FloodWait),
        (420, "SLOWMODE_WAIT_12", FloodWait),
        (500, "RPC_CALL_FAIL", Flaky),
        (-503, "Timeout", Flaky),
        (400, "SOMETHING_NEW", Rejected),
        (406, "CHANNEL_PRIVATE", Gone),
    ],
)
def test_every_refusal_has_its_meaning(code: int, text: str, kind: type) -> None:
    error = rpc_message_to_error(
        types.RpcError(error_code=code, error_message=text), functions.updates.GetStateRequest()
    )
    refusal = read_refusal(error)
    assert type(refusal) is kind
    if isinstance(refusal, FloodWait):
        assert refusal.seconds == int(text.rpartition("_")[2])
    if isinstance(refusal, Migrate):
        assert refusal.to == 4


def test_a_message_is_marked_as_outgoing_only_in_private() -> None:
    inside = types.Message(
        id=3, peer_id=types.PeerChannel(1234567890), from_id=types.PeerUser(ME), date=NOW, message="x", out=True
    )
    posted = types.UpdateNewChannelMessage(message=inside, pts=0, pts_count=0)
    mine = types.UpdateNewMessage(message=private(4, "y", out=True, from_id=types.PeerUser(ME)), pts=0, pts_count=0)
    events = [incoming.event for incoming in Reader(ME).read(mail(posted, mine), Cursor("c"))]
    assert [event.outgoing for event in events if isinstance(event, Message)] == [False, True]


@pytest.mark.parametrize(
    ("now", "is_present", "is_administrator"),
    [
        (None, False, False),
        (types.ChannelParticipantLeft(types.PeerUser(5)), False, False),
        (types.ChannelParticipant(5, NOW), True, False),
        (types.ChannelParticipantAdmin(5, 77, NOW, types.ChatAdminRights()), True, True),
    ],
)
def test_the_bots_coming_and_going_in_a_channel_is_read(now: Any, is_present: bool, is_administrator: bool) -> None:
    update = types.UpdateChannelParticipant(9, NOW, 77, ME, qts=1, new_participant=now)
    made = mail(update)
    made.add([], [], [types.Channel(9, "News", types.ChatPhotoEmpty(), NOW, broadcast=True, access_hash=1)])
    (read,) = Reader(ME).read(made, Cursor("c"))
    assert isinstance(read.event, StandingChanged)
    assert (read.event.is_present, read.event.is_administrator) == (is_present, is_administrator)
    assert (read.event.chat.kind, read.event.chat.title) == (ChatKind.CHANNEL, "News")
    assert load_event(read.raw).event == read.event
