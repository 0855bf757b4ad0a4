"""What the buttons carry: at most 64 bytes, a tenant's id and what to do, never a right to do it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from aiogram.filters.callback_data import CallbackData
from pydantic import BeforeValidator, PlainSerializer

from setup_bot.texts.languages import Language
from tenants.plans import Plan


def _shorten(tenant: UUID) -> str:
    return urlsafe_b64encode(tenant.bytes).rstrip(b"=").decode()


def _lengthen(value: object) -> object:
    """Raises `ValueError` for what is no id; the filter then says that the button is none of ours."""
    return UUID(bytes=urlsafe_b64decode(value + "==")) if isinstance(value, str) else value


TenantKey = Annotated[UUID, BeforeValidator(_lengthen), PlainSerializer(_shorten)]
"""22 characters instead of 32: the longest setting's name must fit beside it."""


class GroupStep(StrEnum):
    SHOW = "show"
    NEW_LINK = "new"
    CHECK = "check"


class Value(StrEnum):
    """What a button can set. Explicit, so that pressing it twice does nothing more."""

    ON = "on"
    OFF = "off"
    DEFAULT = "-"


class Sure(StrEnum):
    NO = "0"
    ONCE = "1"
    TWICE = "2"


class Home(CallbackData, prefix="h"):
    page: int = 0


class New(CallbackData, prefix="n"):
    pass


class Speak(CallbackData, prefix="l"):
    """The language from now on. None: the question which."""

    language: Language | None = None


class Fetch(CallbackData, prefix="f"):
    """The token of a bot that was made here. Telegram gives it to nobody but its owner's manager."""

    bot: int


class Card(CallbackData, prefix="c"):
    tenant: TenantKey


class Run(CallbackData, prefix="r"):
    tenant: TenantKey
    running: bool


class ModeStep(StrEnum):
    ASK = "ask"
    OFFER = "offer"
    ONLY_US = "no"
    BESIDE = "yes"
    ALONE = "alone"
    POLL = "poll"


class Runs(CallbackData, prefix="m"):
    """How a bot's messages are received: alone, or beside the owner's own program."""

    tenant: TenantKey
    step: ModeStep


class Group(CallbackData, prefix="g"):
    tenant: TenantKey
    step: GroupStep


class Use(CallbackData, prefix="u"):
    """`chat` is the group that the question was about: a later one is another question."""

    tenant: TenantKey
    chat: int


class Sections(CallbackData, prefix="o"):
    tenant: TenantKey


class Section(CallbackData, prefix="p"):
    tenant: TenantKey
    section: str


class Setting(CallbackData, prefix="s"):
    tenant: TenantKey
    name: str


class Put(CallbackData, prefix="v"):
    tenant: TenantKey
    name: str
    value: Value


class Choose(CallbackData, prefix="x"):
    """`chosen`: whether the option counts from now on. Explicit, as `Value` is."""

    tenant: TenantKey
    name: str
    option: str
    chosen: bool


class Reconnect(CallbackData, prefix="t"):
    """A new token of the same bot."""

    tenant: TenantKey


class KeyStep(StrEnum):
    SHOW = "show"
    RENEW = "new"
    REVOKE = "end"
    SECRET = "hook"  # noqa: S105  # which page, no secret


class Key(CallbackData, prefix="k"):
    """Whoever presses: their own API key to this connection, and the secret that signs its webhooks."""

    tenant: TenantKey
    step: KeyStep


class PeopleStep(StrEnum):
    SHOW = "show"
    INVITE = "ask"
    LEAVE = "leave"
    LEFT = "left"


class People(CallbackData, prefix="a"):
    tenant: TenantKey
    step: PeopleStep


class PersonStep(StrEnum):
    SHOW = "show"
    REMOVE = "end"
    TRANSFER = "own"
    TRANSFERRED = "owned"


class Person(CallbackData, prefix="q"):
    """One co-administrator. `version` is the tenant's when the question was asked."""

    tenant: TenantKey
    user: int
    version: int
    step: PersonStep


class Join(CallbackData, prefix="j"):
    """The answer to an invitation, by its word."""

    word: str


class Plans(CallbackData, prefix="w"):
    tenant: TenantKey


class Buy(CallbackData, prefix="b"):
    """A month of a plan, with Stars."""

    tenant: TenantKey
    plan: Plan


class Renew(CallbackData, prefix="y"):
    """Whether what is paid with Stars goes on when its month is over."""

    tenant: TenantKey
    renews: bool


class Delete(CallbackData, prefix="d"):
    """`version` is the tenant's when the question was asked: after any change it is asked again."""

    tenant: TenantKey
    version: int
    sure: Sure
