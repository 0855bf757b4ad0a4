"""What the setup bot may be waiting to be told, kept in Redis for a day: never the answer itself, never a token."""

from aiogram.fsm.state import State, StatesGroup


class Asking(StatesGroup):
    token = State()
    new_token = State()
    value = State()
