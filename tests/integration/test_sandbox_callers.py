"""Programs that are to be told apart: the same Bot API below /as/NAME, and a journal that knows who called."""

from datetime import timedelta

import aiohttp

from sandbox.server import Sandbox


async def test_the_journal_tells_programs_apart() -> None:
    async with Sandbox(latency=timedelta(0), flood_control=False) as telegram, aiohttp.ClientSession() as http:
        olga = telegram.world.add_user("Olga")
        bot = telegram.world.add_bot(owner=olga, name="Shop", username="shop_bot")
        for place, method in (("", "getMe"), ("/as/7", "getMe"), ("/as/8", "getUpdates")):
            async with http.get(f"{telegram.url}{place}/bot{bot.token}/{method}") as answer:
                assert (await answer.json())["ok"]
        assert [call.caller for call in telegram.journal.calls] == ["", "7", "8"]
        async with http.get(f"{telegram.url}/sandbox/polls") as answer:
            polls = await answer.json(content_type=None)
    assert [(poll["bot"], poll["caller"]) for poll in polls] == [(bot.id, "8")]
