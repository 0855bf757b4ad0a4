"""Pressed buttons: how long they wait for an answer, and what the person sees of it."""

from collections.abc import Mapping
from typing import Any

from sandbox.world.delivery import deliver_callback
from sandbox.world.entities import User
from sandbox.world.messages import Callback, Message
from sandbox.world.state import State

_REMEMBERED = 10_000


def press(state: State, user: User, message: Message, data: str) -> Callback:
    callback = Callback(state.ids.callback(), user, message, data, state.now())
    state.callbacks[callback.id] = callback
    if len(state.callbacks) > _REMEMBERED:
        del state.callbacks[next(iter(state.callbacks))]
    deliver_callback(state, callback)
    state.emit("callback.pressed", callback, message.chat)
    return callback


def answer(state: State, callback: Callback, said: Mapping[str, Any]) -> bool:
    """False if it comes too late."""
    if state.now() - callback.at > state.rules.callback_lifetime:
        return False
    if callback.answer is not None and state.rules.first_callback_answer_wins:
        return False
    callback.answer = said
    state.emit("callback.answered", callback, callback.message.chat)
    return True
