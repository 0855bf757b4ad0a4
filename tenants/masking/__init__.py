"""What a customer's words must not say where HIDE_INFO is on: numbers, addresses, and who they are.

Pure functions of a text and its entities. What they answer is never longer than what they were given, so that it fits
wherever that fitted; masking what is masked already changes nothing.
"""

from collections.abc import Collection, Sequence
from urllib.parse import unquote

from tenants.masking.draft import Draft
from tenants.masking.emails import hide_emails
from tenants.masking.numbers import hide_cards, hide_number, hide_phones
from tenants.masking.profiles import Profile, hide_profile
from tenants.outbox.rows import Entity

__all__ = ["MASKED", "Profile", "conceal", "mask", "mask_phone"]

MASKED = frozenset({"phone", "email", "card"})
"""What can be masked, by HIDE_INFO's names."""
FOUND = frozenset({"phone_number", "email"})
"""Entities that Telegram finds by itself, and would find again."""
Marked = tuple[str, tuple[Entity, ...]]


def mask(text: str, entities: Sequence[Entity], what: Collection[str]) -> Marked:
    """Without e-mail addresses, card and phone numbers, as far as `what` names them: of each enough stays to tell two
    apart. An entity that Telegram found (phone_number) is believed. A link that carries one is no link any more.
    """
    kept = tuple(entity for entity in entities if entity[0] != "text_link" or _is_harmless(entity[3], what))
    for name, hide in (("email", hide_emails), ("card", hide_cards), ("phone", hide_phones)):
        if name in what:
            draft = Draft(text)
            hide(draft)
            if name == "phone":
                _hide_found(draft, kept)
            text, kept = draft.text, draft.move(kept)
    return text, tuple(entity for entity in kept if entity[0] not in FOUND)


def _hide_found(draft: Draft, entities: Sequence[Entity]) -> None:
    for kind, offset, length, _ in entities:
        if kind == "phone_number":
            hide_number(draft, *draft.span(offset, length))


def _is_harmless(address: str, what: Collection[str]) -> bool:
    return all(mask(form, (), what)[0] == form for form in (address, unquote(address)))


def mask_phone(number: str) -> str:
    """A number that is known to be one, however short."""
    draft = Draft(number)
    hide_number(draft, 0, len(draft.plain))
    return draft.text


def conceal(text: str, entities: Sequence[Entity], who: Profile, *, names: bool = False) -> Marked:
    """Without what leads to the profile: usernames, links, mentions, ids. People's names in prose stay, but where a
    program wrote them.
    """
    draft = Draft(text)
    hide_profile(draft, who, names=names)
    kept = []
    for entity in entities:
        kind, offset, length, more = entity
        if kind == "text_mention" and more == str(who.id):
            draft.hide(*draft.span(offset, length))
        elif kind != "text_link" or _leads_elsewhere(more, who):
            kept.append(entity)
    return draft.text, draft.move(kept)


def _leads_elsewhere(address: str, who: Profile) -> bool:
    return all(conceal(form, (), who)[0] == form for form in (address, unquote(address)))
