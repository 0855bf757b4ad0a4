"""The words of the settings, in the language spoken now. English is the schema's own, and so is what has no
translation: a new setting needs nothing here.
"""

from typing import Any

from setup_bot.texts import find_text, sentence, words
from tenants.settings.catalog import Entry
from tenants.settings.kinds import FLAG, OFF


def title(entry: Entry) -> str:
    return find_text(f"settings.{entry.name}.title") or entry.setting.title


def description(entry: Entry) -> str:
    return find_text(f"settings.{entry.name}.description") or entry.description


def option(entry: Entry, name: str) -> str:
    """What stands on its button."""
    return find_text(f"settings.{entry.name}.options.{name}") or entry.setting.kind.options[name]


def value(entry: Entry, now: Any) -> str:
    """A value as its owner reads it."""
    kind = entry.setting.kind
    if kind is FLAG:
        return words("setting.is_on" if now else "setting.is_off")
    if kind.many:
        return ", ".join(option(entry, name) for name in now) or OFF
    return option(entry, now) if kind.options and now in kind.options else sentence(kind.show(now))


def english(entry: Entry, typed: str) -> str:
    """What was typed, where it is the words of an option or of a value that has words: as `parse` knows them."""
    known = {option(entry, name).casefold(): name for name in entry.setting.kind.options}
    known |= {sentence(spoken).casefold(): spoken for spoken in entry.setting.kind.words}
    items = [item.strip() for item in typed.split(",")]
    if not all(item.casefold() in known for item in items):
        return typed
    return ", ".join(known[item.casefold()] for item in items)
