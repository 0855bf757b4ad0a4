"""What people call themselves: it stands in titles and in WELCOME as they wrote it, and breaks neither."""

import pytest

from tests.e2e.conftest import Stage

WELCOME = "Hi {title}\\! *Welcome*\\."
INVISIBLE = "\u200b\u2060\u202e"
NAMES = {
    "markup": ("*_[x](tg://user?id=1)`~|{}", "*_[x](tg://user?id=1)`~|{}"),
    "a line break": ("Anna\nPetrova", "Anna Petrova"),
    "another direction": ("Anna \u202eavortep", "Anna avortep"),
    "a placeholder": ("{title}", "{title}"),
    "one emoji": ("🦊", "🦊"),
    "300 characters": ("Ä" * 300, "Ä" * 124),
    "300 emoji": ("👩‍👩‍👧" * 60, None),
    "nothing that is seen": (INVISIBLE, None),
}


@pytest.mark.parametrize("odd", NAMES)
async def test_a_name_is_shown_as_it_is_and_breaks_nothing(desk: Stage, odd: str) -> None:
    name, shown = NAMES[odd]
    await desk.change(WELCOME=WELCOME)
    customer = desk.world.add_user(name)
    desk.world.send(customer, desk.bot, "hello")
    await desk.until(lambda: desk.topics() and desk.seen_by(customer))
    (topic,) = desk.topics()
    title, welcome = topic.name.removeprefix("🟪 "), desk.seen_by(customer)[0]
    assert title
    assert len(topic.name) <= 128
    assert not set("\n\u202e\u2060\u200b") & set(title)
    assert welcome.text == f"Hi {title}! Welcome."
    assert [entity.type for entity in welcome.content.entities] == ["bold"]
    if shown is not None:
        assert title == shown
    if odd == "nothing that is seen":
        assert title == str(customer.id)
