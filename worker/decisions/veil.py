"""A message as the team may see it under HIDE_INFO: before anything is decided about it.

What is hidden there never reaches a row. A filter that looks for words takes `Message.words`, the typed ones.
"""

from collections.abc import Collection
from dataclasses import replace

from sessions.events import Chat, ChatKind, Contact, Edited, Event, Message, Person, Pressed
from sessions.mirrors import CAPTIONED, LONGEST_CAPTION, LONGEST_TEXT
from tenants.dialogs import Dialog
from tenants.ids import UserId
from tenants.masking import MASKED, Profile, conceal, mask, mask_phone
from tenants.outbox import Entity, put_behind
from worker.decisions.work import Work

PROFILE = frozenset({"name", "link"})
_SHOWS_AUTHOR = frozenset({"dice", "quiz", "story"})
"""What can only be forwarded, or leads to whoever posted it."""
Words = tuple[str, tuple[Entity, ...]]


def veil(event: Event, work: Work) -> Event:
    """The same event where nothing is hidden, or where the team itself wrote."""
    hidden = frozenset(work.desk.settings.HIDE_INFO) & (MASKED | PROFILE)
    if not hidden or not isinstance(event, (Message, Edited, Pressed)):
        return event
    if isinstance(event, Edited):
        return Edited(veil_message(event.message, work, hidden))
    if isinstance(event, Message):
        return veil_message(event, work, hidden)
    profile = _profile(event.chat, event.person, work.dialogs.by_chat.get(event.chat.id))
    return replace(event, label=_cover(event.label, (), profile, hidden, by_program=True)[0])


def veil_message(message: Message, work: Work, hidden: Collection[str]) -> Message:
    if message.chat.id == work.desk.group_id:
        return message
    author = None if message.outgoing else message.sender
    who = _profile(message.chat, author, work.dialogs.by_chat.get(message.chat.id))
    veiled = replace(message, typed=message.text, hides_author=not PROFILE.isdisjoint(hidden))
    if veiled.origin is not None and veiled.hides_author and _is_own(veiled.origin.user, veiled.origin.name, who):
        veiled = replace(veiled, origin=None)
    veiled = _described(veiled, who, hidden)
    by_program = message.outgoing or veiled.described
    words = _cover(veiled.text, veiled.entities, who, hidden, by_program=by_program)
    if veiled.origin is not None:
        if words == mask(veiled.text, veiled.entities, ()):
            return veiled
        words, veiled = _say_origin(veiled.origin.name, words, veiled), replace(veiled, origin=None)
    return replace(
        veiled,
        text=words[0],
        entities=words[1],
        quote=_cover(veiled.quote, (), who, hidden, by_program=message.outgoing)[0],
        buttons=tuple(
            tuple(_cover(label, (), who, hidden, by_program=True)[0] for label in row) for row in veiled.buttons
        ),
        look=replace(veiled.look, anew=veiled.content == "text" or veiled.content in CAPTIONED),
    )


def _profile(chat: Chat, author: Person | None, dialog: Dialog | None) -> Profile:
    """A private chat is the customer's, whoever wrote; in a group it is about the author."""
    names, usernames = set[str](), set[str | None]()
    if author is not None:
        names.add(author.name)
        usernames.add(author.username)
    if chat.kind is ChatKind.PRIVATE:
        names.add(chat.title)
        if dialog is not None:
            names.add(dialog.name)
            usernames.add(dialog.username)
    user = chat.id if chat.kind is ChatKind.PRIVATE or author is None else author.id
    return Profile(UserId(user), frozenset(filter(None, names)), frozenset(filter(None, usernames)))


def _is_own(user: UserId | None, name: str, who: Profile) -> bool:
    """Whoever hides in forwards, and a card without an account, is told by the name."""
    if user is not None:
        return user == who.id
    return name.casefold() in {known.casefold() for known in who.names}


def _described(message: Message, who: Profile, hidden: Collection[str]) -> Message:
    """What would show its author, or a number, is told in words."""
    contact, words = message.contact, None
    if contact is not None and not message.outgoing:
        is_own = message.hides_author and _is_own(contact.user, contact.name, who)
        if is_own or "phone" in hidden:
            words = _contact(contact, is_own=is_own, masked="phone" in hidden)
    elif message.hides_author and message.content in _SHOWS_AUTHOR and not message.outgoing:
        words = message.text or f"📎 {message.content}"
    if words is None:
        return message
    return replace(message, text=words, entities=(), described=True, origin=None)


def _contact(contact: Contact, *, is_own: bool, masked: bool) -> str:
    name = "their own" if is_own else " ".join(contact.name.split())
    phone = mask_phone(contact.phone) if masked else contact.phone
    return "👤 contact: " + ", ".join(part for part in (name, phone) if part)


def _cover(
    text: str, entities: tuple[Entity, ...], who: Profile, hidden: Collection[str], *, by_program: bool
) -> Words:
    words = mask(text, entities, hidden)
    if PROFILE.isdisjoint(hidden):
        return words
    return conceal(*words, who, names=by_program and "name" in hidden)


def _say_origin(name: str, words: Words, message: Message) -> Words:
    """A forward that is not forwarded says whose words it holds."""
    return put_behind(f"↪️ {name}\n", *words, LONGEST_CAPTION if message.content in CAPTIONED else LONGEST_TEXT)
