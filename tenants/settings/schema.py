"""Every setting of a tenant, declared once. Bounds hold on every surface, plan limits clamp what is used."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tenants.markdown import MarkupError, parse
from tenants.plans import Plan
from tenants.settings.field import Max, NeverOff, Setting
from tenants.settings.kinds import COMMANDS, FLAG, IDS, KEYWORDS, NUMBER, TEXT

TELEGRAM = 777000
"""The account from which Telegram itself writes."""
NEVER_CLOSE = 1_000_000
GREETING = "Hello, {title}\\! Thank you for writing\\. We answer here as soon as we can\\."


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("can't hold a NUL character")  # PostgreSQL's JSON refuses it
    return text


def _visible(text: str) -> str:
    """Spaces alone are no text: Telegram would refuse to send them."""
    return _storable(text).strip()


def _well_formed(text: str) -> str:
    """A name stands where {title} is, and it is escaped: a word of that length, so that places agree."""
    try:
        parse(text.replace("{title}", "a title"))
    except MarkupError as error:
        raise ValueError(str(error)) from None
    return text


def _no_empty_group(groups: list[list[str]]) -> list[list[str]]:
    if not all(group and all(_storable(word).strip("~ ") for word in group) for group in groups):
        raise ValueError("a group of keywords holds at least one word")
    return groups


TelegramId = Annotated[int, Field(ge=-(2**52), le=2**52)]
"""Telegram's ids have at most 52 significant bits."""


CommandName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")]


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    WELCOME: Annotated[
        str,
        Field(
            max_length=3500,
            description="Sent to a customer on the first message and when a closed dialog reopens. "
            "MarkdownV2; {title} is the customer's name.",
        ),
        AfterValidator(_visible),
        AfterValidator(_well_formed),
        Setting(
            "Welcome text",
            section="dialogs",
            kind=TEXT,
            example="Hi {title}\\!",
            up_to={Plan.FREE: NeverOff(GREETING)},
        ),
    ] = GREETING

    AUTOCLOSE: Annotated[
        int,
        Field(
            ge=1,
            le=NEVER_CLOSE,
            description="Hours after the team's last answer before a dialog closes, "
            "if the customer does not write. 1000000 = never.",
        ),
        Setting(
            "Close after, hours",
            section="dialogs",
            kind=NUMBER,
            example="24",
            up_to={Plan.FREE: Max(48)},
        ),
    ] = 48

    SILENT_MODE: Annotated[
        bool,
        Field(description="Customers are not told when a message of theirs could not be processed."),
        Setting("Silent mode", section="dialogs", kind=FLAG, example="ON"),
    ] = False

    AUTO_INFO: Annotated[
        bool,
        Field(description="A new topic begins with the customer's card: name, username, id, language."),
        Setting("Show who it is", section="dialogs", kind=FLAG, example="ON"),
    ] = False

    INTERCEPT_EXTERNAL: Annotated[
        bool,
        Field(
            description="Topics also show what your own program sends to customers, and which of its buttons they "
            "press. Only in parallel mode.",
        ),
        Setting("Show the program's messages", section="dialogs", kind=FLAG, example="OFF"),
    ] = True

    IGNORE_CHATS: Annotated[
        list[TelegramId],
        Field(max_length=10_000, description="These users, groups and channels are never relayed. /ban adds here."),
        Setting("Ignored chats", section="filters", kind=IDS, example="777000, 1001"),
    ] = Field(default_factory=lambda: [TELEGRAM])

    WHITE_LIST: Annotated[
        list[TelegramId],
        Field(
            max_length=1000,
            description="Only these user ids are accepted. Empty = everyone. "
            "A dialog that the team opened with /new is accepted until it is closed.",
        ),
        Setting("White list", section="filters", kind=IDS, example="1001, 1002"),
    ] = Field(default_factory=list)

    PRIVATE_KEYWORDS: Annotated[
        list[list[str]],
        Field(
            max_length=100,
            description="A private dialog opens or reopens only when a message matches; "
            "while it is open everything is relayed.",
        ),
        AfterValidator(_no_empty_group),
        Setting(
            "Keywords",
            section="filters",
            kind=KEYWORDS,
            example='"help", ["call","operator"], ["price","~wholesale"]',
        ),
    ] = Field(default_factory=list)

    CLAIM: Annotated[
        int,
        Field(
            ge=0,
            le=720,
            description="Hours for which an answer makes its operator the dialog's owner: who else answers then is "
            "told. 0 = nobody owns.",
        ),
        Setting("Claim a dialog for, hours", section="team", kind=NUMBER, example="8"),
    ] = 12

    CUSTOM_COMMANDS: Annotated[
        list[CommandName],
        Field(max_length=100, description="Commands that other bots in the group obey: we stay silent."),
        Setting("Commands of other bots", section="team", kind=COMMANDS, example="/invoice, /stock"),
    ] = Field(default_factory=list)
