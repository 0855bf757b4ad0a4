"""Media that only people send: stories, games, checklists, paid media, invoices, giveaways."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from telethon.tl import types

from sandbox.mtproto.methods.peers import CHANNELS

Details = Mapping[str, Any]


def _words(text: str) -> Any:
    return types.TextWithEntities(text, [])


def _peer(chat: Details) -> Any:
    """A chat as the Bot API's object names it."""
    number = int(chat["id"])
    return types.PeerUser(number) if number > 0 else types.PeerChannel(CHANNELS - number)


def _story(details: Details) -> Any:
    return types.MessageMediaStory(peer=_peer(details["chat"]), id=details["id"])


def _game(details: Details) -> Any:
    title, description = details["title"], details["description"]
    photo = types.PhotoEmpty(id=1)
    return types.MessageMediaGame(types.Game(1, 1, title.lower(), title, description, photo))


def _checklist(details: Details) -> Any:
    items = [types.TodoItem(id=task["id"], title=_words(task["text"])) for task in details["tasks"]]
    return types.MessageMediaToDo(types.TodoList(title=_words(details["title"]), list=items))


def _paid_media(details: Details) -> Any:
    shown = [
        types.MessageExtendedMediaPreview(w=item.get("width"), h=item.get("height")) for item in details["paid_media"]
    ]
    return types.MessageMediaPaidMedia(stars_amount=details["star_count"], extended_media=shown)


def _invoice(details: Details) -> Any:
    return types.MessageMediaInvoice(
        title=details["title"],
        description=details["description"],
        currency=details["currency"],
        total_amount=details["total_amount"],
        start_param=details["start_parameter"],
    )


def _giveaway(details: Details) -> Any:
    channels = [CHANNELS - int(chat["id"]) for chat in details["chats"]]
    until = datetime.fromtimestamp(details["winners_selection_date"], UTC)
    return types.MessageMediaGiveaway(channels=channels, quantity=details["winner_count"], until_date=until)


def _winners(details: Details) -> Any:
    return types.MessageMediaGiveawayResults(
        channel_id=CHANNELS - int(details["chat"]["id"]),
        launch_msg_id=details["giveaway_message_id"],
        winners_count=details["winner_count"],
        unclaimed_count=0,
        winners=[int(winner["id"]) for winner in details["winners"]],
        until_date=datetime.fromtimestamp(details["winners_selection_date"], UTC),
    )


RARE: Mapping[str, Callable[[Details], Any]] = {
    "story": _story,
    "game": _game,
    "checklist": _checklist,
    "paid_media": _paid_media,
    "invoice": _invoice,
    "giveaway": _giveaway,
    "giveaway_winners": _winners,
}


def rich_message_of(details: Details) -> Any:
    """Its paragraphs and headings; other blocks are left out."""
    blocks = [
        types.PageBlockParagraph(types.TextPlain(block["text"]))
        for block in details["blocks"]
        if isinstance(block.get("text"), str)
    ]
    return types.RichMessage(blocks=blocks, photos=[], documents=[])
