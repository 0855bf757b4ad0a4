"""Every method that this Bot API knows, by its name in lower case."""

from collections.abc import Callable
from typing import Any

from sandbox.bot_api.call import Call
from sandbox.bot_api.methods import account, answers, chats, copying, editing, forum, sending, stars, webhook

Method = Callable[[Call], Any]

_BY_NAME: dict[str, Method] = {
    name: method
    for module in (account, answers, chats, copying, editing, forum, sending, stars, webhook)
    for name, method in module.METHODS.items()
}
METHODS: dict[str, Method] = {name.lower(): method for name, method in _BY_NAME.items()}

NAMES: dict[str, str] = {name.lower(): name for name in ("getUpdates", *_BY_NAME)}
"""As Telegram's documentation spells them."""
