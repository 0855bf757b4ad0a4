"""What a bot says about itself: commands, name, descriptions; and its goodbyes."""

from collections.abc import Callable
from typing import Any

import orjson

from sandbox.bot_api.call import Call
from sandbox.bot_api.errors import bad_request
from sandbox.bot_api.render import Json, me_json
from sandbox.bot_api.targets import resolve_chat
from sandbox.world import Bot

_COMMAND_LIMIT = 100
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
_LONGEST_COMMAND = 32
_CHAT_SCOPES = frozenset({"chat", "chat_administrators", "chat_member"})


def get_me(call: Call) -> Json:
    return me_json(call.bot)


def set_my_commands(call: Call) -> bool:
    commands = call.json("commands")
    if not isinstance(commands, list):
        raise bad_request("expected an Array of BotCommand")
    if len(commands) > _COMMAND_LIMIT:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    kept = []
    for command in commands:
        name = str(command.get("command", "")).removeprefix("/").lower()
        description = str(command.get("description", "")).strip()
        if not name or len(name) > _LONGEST_COMMAND or not set(name) <= _LETTERS:
            raise bad_request("BOT_COMMAND_INVALID")
        if not description:
            raise bad_request("command description must be non-empty")
        kept.append({"command": name, "description": description})
    key = _scope(call)
    if kept:
        call.bot.commands[key] = kept
    else:
        call.bot.commands.pop(key, None)
    call.world.emit("account.changed", call.bot)
    return True


def get_my_commands(call: Call) -> list[dict[str, str]]:
    return call.bot.commands.get(_scope(call), [])


def delete_my_commands(call: Call) -> bool:
    call.bot.commands.pop(_scope(call), None)
    call.world.emit("account.changed", call.bot)
    return True


def set_my_name(call: Call) -> bool:
    call.bot.first_name = call.text("name") or call.bot.first_name
    return _changed(call)


def get_my_name(call: Call) -> Json:
    return {"name": call.bot.first_name}


def set_my_description(call: Call) -> bool:
    call.bot.description = call.text("description")
    return _changed(call)


def get_my_description(call: Call) -> Json:
    return {"description": call.bot.description}


def set_my_short_description(call: Call) -> bool:
    call.bot.short_description = call.text("short_description")
    return _changed(call)


def get_my_short_description(call: Call) -> Json:
    return {"short_description": call.bot.short_description}


def get_managed_bot_token(call: Call) -> str:
    return _managed(call).token


def replace_managed_bot_token(call: Call) -> str:
    return call.world.revoke_token(_managed(call))


def _managed(call: Call) -> Bot:
    bot = call.world.bots.get(call.user_id())
    if bot is None or bot.manager is not call.bot or bot.is_deleted:
        raise bad_request("BOT_INVALID")
    return bot


def log_out(call: Call) -> bool:
    call.bot.logged_out_at = call.world.now()
    call.bot.webhook = {}
    call.bot.updates.waiting.clear()
    return True


def close(_: Call) -> bool:
    return True


def _changed(call: Call) -> bool:
    call.world.emit("account.changed", call.bot)
    return True


def _scope(call: Call) -> tuple[str, str]:
    scope = call.json("scope", "BotCommandScope") or {"type": "default"}
    if not isinstance(scope, dict) or "type" not in scope:
        raise bad_request("can't parse BotCommandScope: Object expected")
    if scope["type"] in _CHAT_SCOPES:
        resolve_chat(call, str(scope.get("chat_id", "")), write=False)
    return orjson.dumps(scope, option=orjson.OPT_SORT_KEYS).decode(), call.text("language_code")


METHODS: dict[str, Callable[[Call], Any]] = {
    "getMe": get_me,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyName": set_my_name,
    "getMyName": get_my_name,
    "setMyDescription": set_my_description,
    "getMyDescription": get_my_description,
    "setMyShortDescription": set_my_short_description,
    "getMyShortDescription": get_my_short_description,
    "getManagedBotToken": get_managed_bot_token,
    "replaceManagedBotToken": replace_managed_bot_token,
    "logOut": log_out,
    "close": close,
}
