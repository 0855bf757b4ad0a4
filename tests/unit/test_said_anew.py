"""Rows whose words are ours to say: none of them is copied with what stands in the message."""

import pytest

from sessions.errors import Rejected
from sessions.port import Caption, Copy, Mirror, Text
from tenants.ids import ChatId, DialogId, LaneId, MessageId, RowId, TenantId, TopicId, new_id
from tenants.leases import Lease
from tenants.outbox import Body, Look, Row
from tests.fakes import GROUP, FakeSession
from worker.line import Line
from worker.sending import Sent, send_run
from worker.voices import is_forwarded

ANEW = Look("file", preview=True, anew=True)
MASKED = "call •••"


def row(number: int = 1, content: str = "text", **more: object) -> Row:
    values: dict[str, object] = {
        "id": RowId(new_id()),
        "lane": LaneId(new_id()),
        "seq": number,
        "kind": "copy",
        "direction": "topic",
        "dialog": DialogId(new_id()),
        "customer": ChatId(77),
        "topic": TopicId(5),
        "source": (ChatId(77), MessageId(number)),
        "reply_to": None,
        "album": None,
        "attempts": 1,
        "body": Body(MASKED, content=content, entities=(("bold", 0, 4, ""),), quote="q", look=ANEW),
    }
    return Row(**{**values, **more})  # type: ignore[arg-type]


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


async def sent(session: FakeSession, *rows: Row) -> list[object]:
    line = Line(TenantId(new_id()), Lease(0, new_id(), 1), session, GROUP)
    results = await send_run(line, rows)
    assert all(isinstance(result, Sent) for result in results)
    return [call.outgoing for call in session.sent()]


async def test_a_text_goes_out_as_a_text_with_its_formatting_quote_and_preview(session: FakeSession) -> None:
    (text,) = await sent(session, row())
    assert isinstance(text, Text)
    assert (text.text, text.entities, text.quote, text.preview) == (MASKED, (("bold", 0, 4, ""),), "q", True)


async def test_a_media_takes_its_caption_along_also_an_empty_one(session: FakeSession) -> None:
    (copy,) = await sent(session, row(content="photo"))
    assert isinstance(copy, Copy)
    assert copy.captions == (Caption(MASKED, "photo", (("bold", 0, 4, ""),), ANEW),)
    bare = row(2, body=Body("", content="photo", look=ANEW))
    assert (await sent(session, bare))[-1].captions == (Caption("", "photo", (), ANEW),)


async def test_copies_that_wait_together_go_one_by_one(session: FakeSession) -> None:
    copies = await sent(session, row(1, "photo"), row(2, "sticker", body=Body("", content="sticker")))
    assert [(copy.ids, len(copy.captions)) for copy in copies] == [((1,), 1), ((2,), 0)]


async def test_an_album_is_one_call_with_all_captions(session: FakeSession) -> None:
    (album,) = await sent(session, row(1, "photo", album="a"), row(2, "photo", album="a"))
    assert isinstance(album, Copy)
    assert (album.ids, [caption.text for caption in album.captions]) == ((1, 2), [MASKED, MASKED])


async def test_an_album_that_can_not_be_sent_anew_as_one_goes_one_by_one(session: FakeSession) -> None:
    session.faults["send"].append(Rejected("not_copyable", "Telegram does not let bots send these as one album."))
    copies = await sent(session, row(1, "photo", album="a"), row(2, "photo", album="a"))
    assert [(copy.ids, [caption.text for caption in copy.captions]) for copy in copies] == [
        ((1,), [MASKED]),
        ((2,), [MASKED]),
    ]


async def test_an_album_of_the_program_has_its_captions_masked(session: FakeSession) -> None:
    rows = [row(number, "photo", kind="mirror", album="a") for number in (1, 2)]
    (album,) = await sent(session, *rows)
    assert isinstance(album, Mirror)
    assert [caption.text for caption in album.captions] == [MASKED, MASKED]


async def test_what_can_not_be_copied_is_told_with_the_masked_words(session: FakeSession) -> None:
    session.faults["send"].append(Rejected("not_copyable", "No."))
    (line,) = await sent(session, row(content="photo"))
    assert line.text == f"📎 photo: Telegram does not let bots copy this kind of message\n\n{MASKED}"


def test_a_members_media_is_not_forwarded_with_its_own_caption() -> None:
    plain = Body("call me", content="photo", by="Clara")
    assert is_forwarded(row(body=plain, author=7))
    assert not is_forwarded(row(body=Body("call •••", content="photo", by="Clara", look=ANEW), author=7))


def test_the_look_survives_the_queue() -> None:
    body = row(content="photo").body
    assert Body.load(body.dump()) == body
