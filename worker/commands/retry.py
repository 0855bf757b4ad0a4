"""`/retry`: a message that was given up goes out again."""

from tenants.audit import Action
from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.dead_letters import replay
from tenants.errors import DomainError
from worker.decisions.acts import note
from worker.decisions.command import Call, Command
from worker.why import REPLY_WHICH, find_story_of, retry_words


async def answer(unit: UnitOfWork, call: Call, keyring: Keyring) -> None:
    if call.reply_to is None:
        call.say(REPLY_WHICH)
        return
    story = await find_story_of(unit, call)
    if story is not None and story.dead:
        desk = call.work.desk
        try:
            await replay(unit, desk.tenant, story.dead, keyring)
        except DomainError as error:
            call.say(error.text)
            return
        note(call.work, Action.REPLAYED, call.by, ids=[str(row) for row in story.dead])
        if story.direction == "customer" and call.dialog is not None:
            call.dialog.team_answered(desk.now, desk.settings.AUTOCLOSE)
    call.say(retry_words(story))


COMMAND = Command("retry", "As a reply: send that message again", answer=answer)
