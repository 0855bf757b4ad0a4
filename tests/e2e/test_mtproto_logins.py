"""How a parallel session gets in, stays in, and what becomes of a login that Telegram ends."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from sessions.errors import Flaky, FloodWait, Revoked, SessionError
from sessions.mtproto import AppIdentity, MtprotoSessions
from sessions.mtproto.home import Login
from sessions.mtproto.refusals import AppRefused
from tests.e2e.mtproto_trouble import LOGIN, add_fault, count_asked, receive_all, text
from tests.e2e.rigs import OverMtproto, parallel_sessions


@pytest.fixture
async def rig() -> AsyncIterator[OverMtproto]:
    async with OverMtproto.open() as made:
        yield made


async def test_one_login_lasts_for_the_life_of_a_connection(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    for number in range(3):
        await rig.restart()
        await rig.customer_writes(f"message {number}")
        cursor = (await rig.receive_until_something(cursor)).cursor
    add_fault(rig, "cut", bot=rig.bot.id)
    await rig.customer_writes("after a cut")
    await receive_all(rig, cursor, 1)
    assert rig.safe.logins == 1
    assert count_asked(rig, LOGIN) == 1


async def test_a_wait_for_logins_is_kept_and_respected_by_the_next_process(rig: OverMtproto) -> None:
    add_fault(rig, "error", method=LOGIN, code=420, message="FLOOD_WAIT_7200")
    with pytest.raises(FloodWait) as first:
        await rig.session.receive(None)
    await rig.restart()
    with pytest.raises(FloodWait) as second:
        await rig.session.receive(None)
    assert (first.value.seconds, second.value.seconds, rig.safe.wait) == (7200, 7200, 7200)
    assert count_asked(rig, LOGIN) == 1
    rig.safe.wait = 0.0
    await rig.begin()
    assert rig.safe.logins == 1


async def test_a_wrong_application_is_no_fault_of_the_tenant(rig: OverMtproto) -> None:
    session = parallel_sessions(rig.sandbox, AppIdentity(1, "0" * 32)).open(rig.bot.token, None, rig.safe)
    with pytest.raises(AppRefused) as refused:
        await session.receive(None)
    await session.close()
    assert "TELEGRAM_API_ID" in refused.value.text
    assert not refused.value.ambiguous
    assert rig.safe.login is None


async def test_a_token_that_is_dead_already_says_so(rig: OverMtproto) -> None:
    rig.world.revoke_token(rig.bot)
    with pytest.raises(Revoked):
        await rig.session.receive(None)


async def test_a_data_centre_that_telegram_does_not_name_ends_in_words(rig: OverMtproto) -> None:
    add_fault(rig, "error", method=LOGIN, code=303, message="USER_MIGRATE_4")
    with pytest.raises(Flaky) as moved:
        await rig.session.receive(None)
    assert (moved.value.code, moved.value.ambiguous) == ("moved", False)
    assert "does not name" in moved.value.text


async def test_a_bot_that_lives_elsewhere_logs_in_there(rig: OverMtproto) -> None:
    name_another_data_centre(rig)
    add_fault(rig, "error", method=LOGIN, code=303, message="USER_MIGRATE_4")
    await rig.begin()
    assert rig.safe.logins == 1
    assert rig.safe.login is not None
    assert Login.load(rig.safe.login).centre.id == 4


async def test_a_bot_that_is_sent_to_and_fro_gives_up(rig: OverMtproto) -> None:
    name_another_data_centre(rig)
    add_fault(rig, "error", method=LOGIN, code=303, message="USER_MIGRATE_4", times=2)
    with pytest.raises(Flaky, match="from one data centre to another"):
        await rig.session.receive(None)


def name_another_data_centre(rig: OverMtproto) -> None:
    assert rig.sandbox.mtproto is not None
    rig.sandbox.mtproto.server.centres.append(4)


async def test_a_revoked_token_is_noticed_without_any_traffic(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    await rig.session.close()
    rig.session = parallel_sessions(rig.sandbox, probe_seconds=0.2).open(rig.bot.token, None, rig.safe)
    await rig.session.receive(cursor)
    rig.world.revoke_token(rig.bot)
    seen: list[SessionError] = []
    async with asyncio.timeout(5):
        while not any(isinstance(error, Revoked) for error in seen):
            try:
                await rig.session.receive(cursor)
            except SessionError as error:
                seen.append(error)
    assert [error.code for error in seen] == ["login_lost", "revoked"]
    assert rig.safe.login is None


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (401, "SESSION_REVOKED"),
        (401, "AUTH_KEY_UNREGISTERED"),
        (401, "SESSION_EXPIRED"),
        (406, "AUTH_KEY_DUPLICATED"),
        (303, "USER_MIGRATE_2"),
    ],
)
async def test_a_login_that_is_ended_leads_to_one_new_one(rig: OverMtproto, code: int, message: str) -> None:
    cursor = await rig.begin()
    add_fault(rig, "error", method="messages.sendMessage", code=code, message=message)
    with pytest.raises(Flaky) as lost:
        await rig.session.send(text(rig, "first"))
    assert (lost.value.code, lost.value.ambiguous) == ("login_lost", False)
    await rig.session.send(text(rig, "second"))
    await rig.customer_writes("hello")
    await receive_all(rig, cursor, 1)
    assert rig.safe.logins == 2
    assert await rig.heard_by_customer() == ["second"]


async def test_many_calls_that_hear_of_it_lead_to_one_new_login(rig: OverMtproto) -> None:
    await rig.begin()
    add_fault(rig, "error", method="messages.sendMessage", code=401, message="SESSION_REVOKED", times=5)
    ends = await asyncio.gather(
        *(rig.session.send(text(rig, f"words {number}")) for number in range(5)), return_exceptions=True
    )
    assert {getattr(end, "code", None) for end in ends} <= {"login_lost", "network"}
    await asyncio.gather(*(rig.session.send(text(rig, f"again {number}")) for number in range(5)))
    assert rig.safe.logins == 2
    assert rig.safe.login is not None


async def test_a_key_that_telegram_forgot_leads_to_one_new_login(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    add_fault(rig, "forget_keys", bot=rig.bot.id)
    await rig.customer_writes("meanwhile")
    await receive_all(rig, cursor, 1)
    assert rig.safe.logins == 2
    assert await rig.session.send(text(rig, "here again"))


async def test_sessions_that_were_revoked_lead_to_one_new_login(rig: OverMtproto) -> None:
    await rig.begin()
    add_fault(rig, "revoke", bot=rig.bot.id)
    with pytest.raises(Flaky) as lost:
        await rig.session.send(text(rig, "first"))
    assert (lost.value.code, lost.value.ambiguous) == ("login_lost", False)
    assert await rig.session.send(text(rig, "second"))
    assert rig.safe.logins == 2


async def test_a_login_that_nobody_uses_is_logged_out(rig: OverMtproto) -> None:
    await rig.begin()
    await rig.session.close()
    login, sessions = rig.safe.login, rig.sessions
    assert login is not None
    assert isinstance(sessions, MtprotoSessions)
    await sessions.end_login(login)
    assert count_asked(rig, "auth.logOut") == 1
    await sessions.end_login(login)  # dead already
    add_fault(rig, "forget_keys", bot=None)
    await sessions.end_login(login)  # not even known
    with pytest.raises(Flaky) as lost:
        await rig.sessions.open(rig.bot.token, None, rig.safe).receive(None)
    assert lost.value.code == "login_lost"


async def test_a_login_that_can_not_be_kept_leaves_no_connection(rig: OverMtproto) -> None:
    class Lost(Exception):
        pass

    async def refuse(_: bytes | None) -> None:
        raise Lost

    rig.safe.save_login = refuse  # type: ignore[method-assign]
    with pytest.raises(Lost):
        await rig.session.receive(None)
    assert rig.sandbox.mtproto is not None
    async with asyncio.timeout(5):
        await rig.sandbox.mtproto.api.stream.left(rig.bot)


async def test_a_call_says_nothing_of_a_login_in_telethons_log(
    rig: OverMtproto, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await rig.begin()
    assert not [record for record in caplog.records if record.name.startswith("telethon")]
