"""Answers to pressed buttons, reactions, and files to download."""

from collections.abc import Callable
from typing import Any

from sandbox.bot_api.call import Call
from sandbox.bot_api.errors import bad_request
from sandbox.bot_api.render import Json
from sandbox.bot_api.targets import find_chat, find_message
from sandbox.world.callbacks import answer
from sandbox.world.reactions import is_open, react

TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
_ANSWER_LIMIT = 200
_DOWNLOAD_LIMIT = 20 << 20


def answer_callback_query(call: Call) -> bool:
    callback = call.world.callbacks.get(call.text("callback_query_id"))
    if callback is None or callback.message.sender is not call.bot:
        raise bad_request(TOO_OLD)
    text = call.text("text")
    if len(text) > _ANSWER_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    said = {"text": text, "show_alert": call.flag("show_alert"), "url": call.text("url")}
    if not answer(call.world, callback, said):
        raise bad_request(TOO_OLD)
    return True


def set_message_reaction(call: Call) -> bool:
    message = find_message(call, find_chat(call), "message to react")
    given = call.json("reaction", "reaction types") or []
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise bad_request("expected an Array of ReactionType")
    if len(given) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    emoji = tuple(str(item.get("emoji", "")) for item in given)
    if not is_open(message, emoji):
        raise bad_request("REACTION_INVALID")
    react(call.world, message, call.bot, emoji)
    return True


def get_file(call: Call) -> Json:
    handle = call.text("file_id")
    if not handle:
        raise bad_request("file_id not specified")
    file = call.world.files.find(call.bot.id, handle)
    if file is None:
        raise bad_request("invalid file_id")
    if file.size > _DOWNLOAD_LIMIT:
        raise bad_request("file is too big")
    return {
        "file_id": handle,
        "file_unique_id": file.unique_id,
        "file_size": file.size,
        "file_path": call.world.files.path(file),
    }


METHODS: dict[str, Callable[[Call], Any]] = {
    "answerCallbackQuery": answer_callback_query,
    "setMessageReaction": set_message_reaction,
    "getFile": get_file,
}
