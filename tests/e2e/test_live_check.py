"""`make live-check` against the sandbox: what it would ask Telegram is asked here, and it notices what differs."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from live_check.__main__ import NOT_ASKED, main
from live_check.asking import CHECKS, Answer, ask_all
from live_check.check import Check, Differs, Holds, Need, Unknown
from live_check.given import Given, Patience
from live_check.observer import Seen, read_update
from live_check.stage import MARK, Stage
from sandbox.mtproto.faults import Fault
from sandbox.server import Sandbox
from sandbox.world import Bot, Chat, User
from sandbox.world.clock import ManualClock
from sessions.mtproto import AppIdentity, DataCentre
from tests.e2e.conftest import RIGHTS

ROOT = Path(__file__).parents[2]
PATIENCE = Patience(arriving=5, answering=20, away=60, quiet=65)
OVER_MTPROTO = [check for check in CHECKS if Need.APP in check.needs]
OVER_BOT_API = [check for check in CHECKS if Need.APP not in check.needs]


@dataclass
class Scene:
    """One bot with a group and a customer, who does what the check asks for."""

    sandbox: Sandbox
    bot: Bot
    other: Bot
    group: Chat
    customer: User
    clock: ManualClock
    told: list[str] = field(default_factory=list)

    @property
    def given(self) -> Given:
        return Given(
            token=self.bot.token,
            group=self.group.id,
            customer=self.customer.id,
            api_root=self.sandbox.url,
            second_token=self.other.token,
            may_poll=True,
            is_slow=True,
            patience=PATIENCE,
        )

    def named(self, *names: str) -> list[Check]:
        return [check for check in CHECKS if check.name in names]

    async def ask(self, checks: Iterable[Check], **changes: Any) -> dict[str, Any]:
        """The verdicts by the checks' names."""
        async with Stage(replace(self.given, **changes), self._tell, self._pause) as stage:
            answers: list[Answer] = await ask_all(checks, stage)
        return {answer.check.name: answer.verdict for answer in answers}

    async def _pause(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def _tell(self, words: str) -> None:
        self.told.append(words)
        if "write any text" in words:
            self.sandbox.world.send(self.customer, self.bot, "hello, bot")
        if "press the button" in words:
            newest = self.sandbox.world.history(self.chat)[-1]
            self.sandbox.world.press(self.customer, newest)

    @property
    def chat(self) -> Chat:
        return self.sandbox.world.private(self.customer, self.bot)

    def left_behind(self) -> list[str]:
        topics = [topic.name for topic in self.group.topics.values() if MARK in topic.name]
        return topics + [message.text for message in self.chat.messages.values() if MARK in message.text]


def _populate(sandbox: Sandbox, clock: ManualClock) -> Scene:
    world = sandbox.world
    owner, customer = world.add_user("Olivia"), world.add_user("Anna")
    bot, other = world.add_bot("Shop", "shop_bot", owner=owner), world.add_bot("Other", "other_bot", owner=owner)
    group = world.add_forum("Shop Support", owner)
    for member in (bot, other):
        world.add_member(group, member, by=owner)
    world.promote(group, bot, RIGHTS, by=owner)
    world.start(customer, bot)
    world.rules.hasty_polls_are_slowed = False
    return Scene(sandbox, bot, other, group, customer, clock)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """Without MTProto, with flood control, and a clock that only waiting moves."""
    clock = ManualClock()
    async with Sandbox(latency=timedelta(0), clock=clock) as sandbox:
        yield _populate(sandbox, clock)


@pytest.fixture
async def beside(tmp_path: Path) -> AsyncIterator[tuple[Scene, dict[str, Any]]]:
    """With MTProto, and what a session needs to get there."""
    async with Sandbox(latency=timedelta(0), flood_control=False, mtproto_port=0) as sandbox:
        assert sandbox.mtproto is not None
        about = sandbox.mtproto.about()
        key = tmp_path / "telegram.pem"
        key.write_text(about["public_key"])
        centre = DataCentre.private(f"{about['host']}:{about['port']}", key)
        yield (
            _populate(sandbox, ManualClock()),
            {"app": AppIdentity(about["api_id"], about["api_hash"]), "centre": centre},
        )


def not_held(verdicts: dict[str, Any]) -> dict[str, Any]:
    return {name: verdict for name, verdict in verdicts.items() if not isinstance(verdict, Holds)}


async def test_over_the_bot_api_every_premise_holds_here_and_nothing_is_left_behind(scene: Scene) -> None:
    verdicts = await scene.ask(OVER_BOT_API)
    assert not_held(verdicts) == {}
    assert len(verdicts) == len(OVER_BOT_API)
    assert scene.left_behind() == []


async def test_over_mtproto_every_premise_holds_here_and_it_logs_out(beside: tuple[Scene, dict[str, Any]]) -> None:
    scene, home = beside
    verdicts = await scene.ask(OVER_MTPROTO, **home)
    assert not_held(verdicts) == {}
    assert len(verdicts) == len(OVER_MTPROTO)
    assert scene.left_behind() == []
    assert scene.sandbox.mtproto is not None
    assert scene.sandbox.mtproto.api.stream.sessions_of(scene.bot) == []
    assert scene.sandbox.journal.count("auth.logOut") == 2


async def test_a_session_that_is_told_nothing_is_the_premise_failing(beside: tuple[Scene, dict[str, Any]]) -> None:
    scene, home = beside
    assert scene.sandbox.mtproto is not None
    scene.sandbox.mtproto.api.stream.close()
    names = ("sent-text-is-seen", "sent-album-is-seen", "edit-is-seen", "deletion-is-seen", "sent-to-topic-is-seen")
    verdicts = await scene.ask(scene.named(*names), **home, patience=replace(PATIENCE, arriving=0.2))
    assert verdicts == dict.fromkeys(names, Differs("nothing came within 0 s"))
    assert any("assumed: Outgoing messages come to all sessions" in line for line in scene.told)


async def test_a_login_that_must_wait_is_asked_for_once(beside: tuple[Scene, dict[str, Any]]) -> None:
    scene, home = beside
    assert scene.sandbox.mtproto is not None
    refusal = {"code": 420, "message": "FLOOD_WAIT_2838"}
    scene.sandbox.mtproto.faults.add(Fault(kind="error", method="auth.importBotAuthorization", **refusal))
    verdicts = await scene.ask(scene.named("sent-text-is-seen", "person-without-hash"), **home)
    assert set(verdicts.values()) == {Unknown("Telegram asks to wait 2838 s.")}
    assert scene.sandbox.journal.count("auth.importBotAuthorization") == 1


def test_updates_in_short_are_read_too() -> None:
    """Telegram may say a private text so; the sandbox does not."""
    short = types.UpdateShortMessage(id=7, user_id=5, message="hi", pts=3, pts_count=1, date=None, out=True)
    assert list(read_update(short, 1.5)) == [Seen("new", 5, 7, 1.5, outgoing=True, text="hi", pts=3)]


async def test_random_ids_that_are_forgotten_are_noticed(beside: tuple[Scene, dict[str, Any]]) -> None:
    class Forgetful(dict[Any, Any]):
        def update(self, *_: Any, **__: Any) -> None:
            """It remembers nothing."""

    scene, home = beside
    scene.sandbox.world.boxes.random_ids = Forgetful()
    names = ("text-is-taken-once", "copy-is-taken-once", "topic-is-made-once", "new-login-remembers")
    verdicts = await scene.ask(scene.named(*names), **home)
    assert {type(verdict) for verdict in verdicts.values()} == {Differs}
    assert scene.left_behind() == []


async def test_other_counting_and_other_words_are_noticed(scene: Scene) -> None:
    rules = scene.sandbox.flood.rules
    rules.count_each_copy, rules.count_topic_edits, rules.per_group = False, False, 30
    scene.sandbox.world.rules.topic_deleted_text_for = timedelta(0)
    names = ("twenty-a-minute", "each-copy-counts", "topic-burst", "topic-edits-count", "topic-just-deleted")
    verdicts = await scene.ask(scene.named(*names))
    assert verdicts == {
        "twenty-a-minute": Differs("30 texts went through, then a wait of 60 s"),
        "each-copy-counts": Differs("4 batches of 10 went through and no wait"),
        "topic-burst": Differs("24 topics and no wait"),
        "topic-edits-count": Differs("30 texts after 10 renames went through, then a wait of 60 s"),
        "topic-just-deleted": Differs("400 Bad Request: message thread not found"),
    }


async def test_what_was_not_allowed_is_not_done(scene: Scene) -> None:
    checks = [check for check in CHECKS if {Need.POLLING, Need.PATIENCE, Need.PERSON, Need.SECOND_BOT} & check.needs]
    asks_nobody = replace(PATIENCE, answering=0)
    verdicts = await scene.ask(checks, may_poll=False, is_slow=False, second_token="", patience=asks_nobody)
    assert {type(verdict) for verdict in verdicts.values()} == {Unknown}
    assert verdicts["webhook-info-disturbs-nobody"] == Unknown("not asked: set LIVE_MAY_POLL=1")
    assert scene.sandbox.journal.number == 0


async def test_updates_and_webhooks_are_left_alone_unless_polling_is_allowed(
    beside: tuple[Scene, dict[str, Any]],
) -> None:
    scene, home = beside
    await scene.ask(CHECKS, **home, may_poll=False, is_slow=False)
    assert [scene.sandbox.journal.count(name) for name in ("getUpdates", "deleteWebhook", "setWebhook")] == [0, 0, 0]


async def test_a_check_that_breaks_keeps_no_other_from_being_asked(scene: Scene) -> None:
    scene.sandbox.world.demote(scene.group, scene.bot)
    verdicts = await scene.ask(scene.named("closed-topic-admin", "unmanaged-bot"))
    refusal = "400 Bad Request: not enough rights to create a topic"
    assert verdicts["closed-topic-admin"] == Unknown(f"Telegram refused something before that: {refusal}")
    assert isinstance(verdicts["unmanaged-bot"], Holds)


async def test_the_program_says_what_it_saw_and_never_a_token(scene: Scene) -> None:
    environ = {
        "LIVE_BOT_TOKEN": scene.bot.token,
        "LIVE_GROUP_ID": str(scene.group.id),
        "LIVE_CUSTOMER_ID": str(scene.customer.id),
        "TELEGRAM_API_ROOT": scene.sandbox.url,
    }
    scene.sandbox.world.rules.topic_deleted_text_for = timedelta(0)
    names = ["short-copy", "topic-just-deleted", "webhook-info-disturbs-nobody"]
    code, said = await _run(environ, *names)
    assert code == 1
    assert "holds    short-copy" in said
    assert "DIFFERS  topic-just-deleted             400 Bad Request: message thread not found" in said
    assert "1 hold, 1 differ, 1 are unknown" in said
    assert await _run(environ, "short-copy") == (0, said.splitlines()[0].replace("3 c", "1 c") + "\n" + HELD)
    scene.sandbox.world.revoke_token(scene.bot)
    revoked = await _run(environ, "short-copy")
    assert revoked == (NOT_ASKED, "401 Unauthorized\n")
    assert environ["LIVE_BOT_TOKEN"] not in said + revoked[1]


HELD = "  holds    short-copy\n1 hold, 0 differ, 0 are unknown\n"


async def _run(environ: dict[str, str], *names: str) -> tuple[int | None, str]:
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "live_check", "--only", *names),
        cwd=ROOT,
        env=_without_live() | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await program.communicate()
    return program.returncode, said.decode()


NOTHING_GIVEN = (
    "Set LIVE_BOT_TOKEN, LIVE_GROUP_ID, LIVE_CUSTOMER_ID, TELEGRAM_API_ID and TELEGRAM_API_HASH: "
    "docs/live-check.md says where each comes from."
)


def _without_live() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("LIVE_", "TELEGRAM_"))}


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, NOTHING_GIVEN),
        ({"LIVE_BOT_TOKEN": "12345:short"}, "LIVE_BOT_TOKEN is no bot token: copy it whole from @BotFather."),
        ({"LIVE_GROUP_ID": "@group"}, "LIVE_GROUP_ID must be a number, as Telegram's ids are."),
        ({"LIVE_AWAY_SECONDS": "long"}, "LIVE_AWAY_SECONDS must be a number of seconds."),
        ({"TELEGRAM_DC": "127.0.0.1:1"}, "Set both TELEGRAM_DC and TELEGRAM_DC_KEY, or neither."),
    ],
)
def test_what_is_missing_or_wrong_is_one_sentence(
    environ: dict[str, str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = {
        "LIVE_BOT_TOKEN": f"12345:{'a' * 35}",
        "LIVE_GROUP_ID": "-1001",
        "LIVE_CUSTOMER_ID": "1",
        "TELEGRAM_API_ID": "1",
        "TELEGRAM_API_HASH": "a" * 32,
    }
    assert main([], whole | environ if environ else {}) == NOT_ASKED
    assert capsys.readouterr().err == f"{sentence}\n"


def test_every_check_names_places_that_exist() -> None:
    missing = []
    for check in CHECKS:
        for place in check.relied_on:
            path, _, name = place.partition(":")
            if not (ROOT / path).is_file() or name not in (ROOT / path).read_text():
                missing.append((check.name, place))
    assert missing == []


def test_every_check_is_in_the_documentation_and_has_a_name_of_its_own() -> None:
    page = (ROOT / "docs/live-check.md").read_text()
    names = [check.name for check in CHECKS]
    assert [name for name in names if f"`{name}`" not in page] == []
    assert len(names) == len(set(names))
