"""What the team may know of a customer under HIDE_INFO: a name or an alias, and who of the team knows more."""

from hashlib import blake2b

from tenants.dialogs import Dialog, clean_name
from tenants.ids import ChatId, DialogId, UserId
from tenants.settings.kinds import EVERYONE
from tenants.settings.schema import Settings

_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"
"""None that is taken for another when it is read out, and no vowels, so that they make no words."""
_LETTERS = 8
"""28^8: among 100,000 customers two have the same one in 1 of 76 tenants."""


def alias(dialog: DialogId, chat: ChatId) -> str:
    """The same for ever, and to be told on the phone: Customer K7QX-3MTB."""
    return f"{'Customer' if is_person(chat) else 'Chat'} {_code(dialog.bytes)}"


def _code(of: bytes) -> str:
    number = int.from_bytes(blake2b(of, digest_size=8).digest(), "big")
    letters = []
    for _ in range(_LETTERS):
        number, letter = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[letter])
    word = "".join(letters)
    return f"{word[:4]}-{word[4:]}"


def is_person(chat: ChatId) -> bool:
    """Groups and channels have negative ids (Bot API: Chat)."""
    return chat > 0


def hides_name(settings: Settings, chat: ChatId) -> bool:
    return ("name" if is_person(chat) else "title") in settings.HIDE_INFO


def shown_name(settings: Settings, dialog: DialogId, chat: ChatId, name: str) -> str:
    """What the team calls them."""
    return alias(dialog, chat) if hides_name(settings, chat) else clean_name(name, str(chat))


def name_of(dialog: Dialog, settings: Settings) -> str:
    return shown_name(settings, dialog.id, dialog.chat_id, dialog.name)


def author_name(dialog: Dialog, settings: Settings, author: int | None, name: str) -> str:
    """Of whoever wrote in a group or a channel: its member, or the chat itself."""
    if author is None or author == dialog.chat_id:
        return name_of(dialog, settings) if name and hides_name(settings, dialog.chat_id) else name
    return f"Member {_code(dialog.id.bytes + str(author).encode())}" if "name" in settings.HIDE_INFO else name


def rename(dialog: Dialog, name: str, settings: Settings) -> None:
    """The customer has another name now. The topic follows where it shows names."""
    if hides_name(settings, dialog.chat_id):
        dialog.name = name
    else:
        dialog.rename(name)


def entitle(dialog: Dialog, settings: Settings) -> None:
    """The topic is called by what the team may know, since the setting was changed or the dialog opened. What an
    operator called it stays, and so does what a topic was asked for by that has not turned up.
    """
    is_asked_for = dialog.topic_id is None and dialog.topic_asked_at is not None
    other = alias(dialog.id, dialog.chat_id)
    if dialog.named_by_team or is_asked_for:
        return
    if hides_name(settings, dialog.chat_id):
        shown = other
    elif dialog.topic_name == other:
        shown = clean_name(dialog.name, str(dialog.chat_id))
    else:
        return
    if dialog.topic_name != shown:
        dialog.topic_name, dialog.topic_status = shown, None


def is_trusted(who: UserId | None, settings: Settings, owner: UserId) -> bool:
    """Whether an operator sees cards whole: EXTENSIONS_ALLOWED, and the owner. None is whoever has no name."""
    allowed = settings.EXTENSIONS_ALLOWED
    return EVERYONE in allowed or (who is not None and (who in allowed or who == owner))
