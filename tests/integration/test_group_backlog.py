"""A busy group, more than the team's group can take: names, digests, and what the team and the owner are told."""

from dataclasses import replace

from sessions.events import Batch, Chat, ChatKind, Message, Person
from sessions.port import Text
from tenants.ids import ChatId, UserId
from tests.fakes import GROUP, texts
from tests.integration.conftest import DeskUnderTest
from worker.allowance import Allowance

CLUB = Chat(ChatId(-1007), ChatKind.SUPERGROUP, "Chess club")


def _said(desk: DeskUnderTest, by: str, words: str, **more: object) -> Message:
    member = Person(UserId(sum(map(ord, by))), by, None, is_bot=False)
    return replace(desk.session.customer(words, chat=CLUB, sender=member, joinable=True), **more)


async def _write(desk: DeskUnderTest, *messages: Message) -> None:
    fed = await desk.session.feed(*messages)
    await desk.store_only(Batch(tuple(fed), fed[-1].cursor))


async def _age(desk: DeskUnderTest, minutes: int) -> None:
    await desk.rows("UPDATE outbox SET created_at = now() - make_interval(mins => :m) RETURNING 1", m=minutes)


async def _send(desk: DeskUnderTest, turns: int = 4) -> list[str]:
    """What the group shows of it."""
    for _ in range(turns):
        desk.sender.wake()
        await desk.turn()
    said = texts(desk.session.sent(GROUP))
    desk.session.calls.clear()
    return said


async def _opened(desk: DeskUnderTest) -> None:
    await desk.change_settings(MONITOR_GROUPS=True)
    await _write(desk, _said(desk, "Ann", "hello"))
    await _send(desk)
    desk.sender._allowance = Allowance(5)


async def test_texts_of_several_members_stand_together_each_below_its_name(desk: DeskUnderTest) -> None:
    await _opened(desk)
    bold = _said(desk, "Bob 🙂", "bold", entities=(("italic", 0, 4, ""),))
    await _write(desk, *(_said(desk, "Ann", word) for word in ("one", "two")), bold, _said(desk, "Bob 🙂", "four"))
    await _write(desk, _said(desk, "Ann", "five"), _said(desk, "Ann", "six"))
    await _age(desk, 1)
    desk.sender.wake()
    await desk.turn()
    (call,) = desk.session.sent(GROUP)
    assert isinstance(call.outgoing, Text)
    assert call.outgoing.text == "one\ntwo\n\nBob 🙂\nbold\nfour\n\nAnn\nfive\nsix"
    words = call.outgoing.text.encode("utf-16-le")
    marked = [(kind, words[2 * at : 2 * (at + n)].decode("utf-16-le")) for kind, at, n, _ in call.outgoing.entities]
    assert marked == [("bold", "Bob 🙂"), ("italic", "bold"), ("bold", "Ann")]
    await desk.turn()
    assert (await desk.dispositions())["relayed"] == 7


async def test_replies_keep_to_themselves_until_the_group_has_been_behind_for_long(desk: DeskUnderTest) -> None:
    await _opened(desk)
    replies = [_said(desk, "Ann", f"reply {n}", reply_to=1, joinable=False) for n in range(12)]
    await _write(desk, *replies)
    await _age(desk, 1)
    assert len(await _send(desk, turns=2)) <= 2

    await _age(desk, 11)
    desk.sender._allowance = Allowance(12)
    desk.sender._allowance.remember([1.0] * 7)
    said = await _send(desk, turns=6)
    joined = next(words for words in said if words.count("reply") > 1)
    assert joined.splitlines()[-1] == "↩ reply 11"
    assert sum(words.startswith("🐢 Messages come faster") for words in said) == 1
    told = await desk.rows("SELECT params FROM owner_notices WHERE kind = 'behind'")
    assert [row.params["minutes"] for row in told] == [11]
    assert (await desk.dispositions()) == {"relayed": 13}


async def test_a_long_backlog_that_is_over_ends_the_digests_and_is_said_once_in_ten_minutes(
    desk: DeskUnderTest,
) -> None:
    await _opened(desk)
    for _ in range(2):
        await _write(desk, *(_said(desk, "Ann", str(n)) for n in range(8)))
        await _age(desk, 20)
        desk.sender._allowance = Allowance(5)
        desk.sender._allowance.remember([1.0] * 3)
        desk.sender._looked_back_at = 0.0
        await _send(desk, turns=6)
    lines = await desk.rows("SELECT 1 FROM outbox o JOIN lanes l ON l.id = o.lane_id WHERE l.direction = 'general'")
    assert len(lines) == 1
    desk.sender._looked_back_at = 0.0
    await _send(desk, turns=1)
    (state,) = await desk.rows("SELECT behind_since FROM intakes")
    assert (state.behind_since, desk.sender._is_behind) == (None, False)
