"""`/find`: which topic was that?"""

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.finding import LONGEST, find_dialogs
from tenants.notes import clean_note
from worker.decisions.command import Call, Command, Place
from worker.paragraph import Paragraph, add_topic

WHAT = "Say what to look for: /find anna. It looks at names, usernames, ids and notes."
NOTHING = "Nothing was found: no name, username, id or note holds that."


async def answer(unit: UnitOfWork, call: Call, keyring: Keyring) -> None:
    words = " ".join(clean_note(call.rest).split())
    if not words:
        call.say(WHAT)
        return
    if len(words) > LONGEST:
        call.say(f"Look for at most {LONGEST} characters: these are {len(words)}.")
        return
    desk = call.work.desk
    hits = await find_dialogs(unit, desk.tenant, words, keyring)
    if not hits.found:
        call.say(NOTHING)
        return
    shown = Paragraph()
    for number, hit in enumerate(hits.found):
        shown.say("\n" if number else "").say(f"{hit.status.square} ")
        add_topic(shown, desk.group_id, hit.topic, hit.name)
        shown.say(" 📝" if hit.is_noted else "")
    if hits.number > len(hits.found):
        shown.say(f"\n… and {hits.number - len(hits.found)} more: write more of it.")
    call.say(shown)


COMMAND = Command(
    "find",
    "Find topics by name, username, id or note",
    answer=answer,
    places=frozenset({Place.GENERAL}),
    usage="TEXT",
    more=("It shows at most 10, those with a note that holds the text marked 📝.",),
)
