"""`/why`: what became of a message."""

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from worker.decisions.command import Call, Command
from worker.why import REPLY_WHICH, find_story_of, words


async def answer(unit: UnitOfWork, call: Call, _: Keyring) -> None:
    call.say(REPLY_WHICH if call.reply_to is None else words(await find_story_of(unit, call)))


COMMAND = Command("why", "As a reply: what became of that message", answer=answer)
