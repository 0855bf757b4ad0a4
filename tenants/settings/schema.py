"""Every setting of a tenant, declared once. Bounds hold on every surface, plan limits clamp what is used."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tenants.markdown import MarkupError, parse
from tenants.plans import AUDIT_LIVES, Plan
from tenants.settings.field import Max, NeverOff, Setting
from tenants.settings.kinds import FLAG, IDS, KEYWORDS, NUMBER, TEXT

NEVER_CLOSE = 1_000_000
LONGEST_AUDIT_DAYS = 3650
LEAST_AUDIT_DAYS = AUDIT_LIVES[Plan.FREE].days
"""Nobody makes others' acts forgotten sooner than the least plan does."""
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


def _long_enough(days: int) -> int:
    if 0 < days < LEAST_AUDIT_DAYS:
        raise ValueError(f"is 0, or {LEAST_AUDIT_DAYS} or more")
    return days


TelegramId = Annotated[int, Field(ge=-(2**52), le=2**52)]
"""Telegram's ids have at most 52 significant bits."""


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

    INTERCEPT_EXTERNAL: Annotated[
        bool,
        Field(
            description="Topics also show what your own program sends to customers, and which of its buttons they "
            "press. Only in parallel mode.",
        ),
        Setting("Show the program's messages", section="dialogs", kind=FLAG, example="OFF"),
    ] = True

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

    AUDIT_DAYS: Annotated[
        int,
        Field(
            ge=0,
            le=LONGEST_AUDIT_DAYS,
            description="How long it is kept who started, stopped or changed something here, and who closed which "
            f"dialog: {LEAST_AUDIT_DAYS} days or more. 0 = as long as the plan says: "
            f"{', '.join(f'{plan} {kept.days}' for plan, kept in AUDIT_LIVES.items())}.",
        ),
        AfterValidator(_long_enough),
        Setting(
            "Keep the audit log, days",
            section="history",
            kind=NUMBER,
            example="30",
            up_to={plan: Max(AUDIT_LIVES[plan].days) for plan in (Plan.FREE, Plan.PRO)},
        ),
    ] = 0
