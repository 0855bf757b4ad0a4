"""Every setting of a tenant, declared once. Bounds hold on every surface, plan limits clamp what is used."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tenants.markdown import MarkupError, parse
from tenants.phrases import Phrase
from tenants.plans import AUDIT_LIVES, Plan
from tenants.settings.field import AlwaysEmpty, Frozen, Max, NeverOff, Setting
from tenants.settings.kinds import (
    COMMANDS,
    EVERYONE,
    FLAG,
    IDS,
    KEYWORDS,
    NUMBER,
    PEOPLE,
    STRINGS,
    TEXT,
    any_of,
    one_of,
)
from tenants.settings.webhooks import ADDRESSES, EVENTS, EXAMPLE, MOST_ADDRESSES, EventName, checked

COLORS = {
    "blue": 0x6FB9F0,
    "yellow": 0xFFD67E,
    "violet": 0xCB86DB,
    "green": 0x8EEE98,
    "rose": 0xFF93B2,
    "red": 0xFB6F5F,
}
"""The colours that a topic's icon may have (Bot API: createForumTopic)."""
CHATS = {"private": "Private chats", "group": "Groups", "channel": "Channels"}
HIDDEN = {
    "command": "Card of /info",
    "name": "Names",
    "title": "Titles of groups",
    "link": "Links and ids",
    "phone": "Phone numbers",
    "email": "Emails",
    "card": "Card numbers",
}
"""What HIDE_INFO knows, with the words of its buttons."""
TELEGRAM = 777000
"""The account from which Telegram itself writes."""
KEYWORDS_EXAMPLE = '"help", ["call","operator"], ["price","~wholesale"]'
NEVER_CLOSE = 1_000_000
LONGEST_AUDIT_DAYS = 3650
LONGEST_ARCHIVE_DAYS = 3650
LEAST_AUDIT_DAYS = AUDIT_LIVES[Plan.FREE].days
"""Nobody makes others' acts forgotten sooner than the least plan does."""
GREETING = "Hello, {title}\\! Thank you for writing\\. We answer here as soon as we can\\."


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError(Phrase("can't hold a NUL character."))  # PostgreSQL's JSON refuses it
    return text


def _visible(text: str) -> str:
    """Spaces alone are no text: Telegram would refuse to send them."""
    return _storable(text).strip()


def _well_formed(text: str) -> str:
    """A name stands where {title} is, and it is escaped: a word of that length, so that places agree."""
    try:
        parse(text.replace("{title}", "a title"))
    except MarkupError as error:
        raise ValueError(error.args[0]) from None
    return text


def _no_empty_group(groups: list[list[str]]) -> list[list[str]]:
    if not all(group and all(_storable(word).strip("~ ") for word in group) for group in groups):
        raise ValueError(Phrase("a group of keywords holds at least one word."))
    return groups


def _everyone_alone(people: list[Any]) -> list[Any]:
    if EVERYONE in people and len(people) > 1:
        raise ValueError(Phrase("a dot for everyone stands alone."))
    return people


def _long_enough(days: int) -> int:
    if 0 < days < LEAST_AUDIT_DAYS:
        raise ValueError(Phrase("is 0, or {count} or more.", count=LEAST_AUDIT_DAYS))
    return days


TelegramId = Annotated[int, Field(ge=-(2**52), le=2**52)]
"""Telegram's ids have at most 52 significant bits."""


Word = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_storable)]
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

    LEAVE_CLOSED: Annotated[
        list[Literal["private", "group", "channel"]],
        Field(
            max_length=3,
            description="Dialogs of these kinds stay closed when messages come, and begin closed, without WELCOME.",
        ),
        Setting(
            "Leave closed",
            section="dialogs",
            kind=any_of(CHATS),
            example="private",
            up_to={Plan.FREE: AlwaysEmpty()},
        ),
    ] = Field(default_factory=list)

    ICON_COLOR: Annotated[
        Literal["", "blue", "yellow", "violet", "green", "rose", "red"],
        Field(
            description="The colour of new topics, to tell several bots in one group apart. OFF: Telegram's choice."
        ),
        Setting(
            "Colour of topics",
            section="dialogs",
            kind=one_of({name: name.capitalize() for name in COLORS}, nothing="Telegram's choice"),
            example="green",
        ),
    ] = ""

    INTERCEPT_EXTERNAL: Annotated[
        bool,
        Field(
            description="Topics also show what your own program sends to customers, and which of its buttons they "
            "press. Only in parallel mode.",
        ),
        Setting("Show the program's messages", section="dialogs", kind=FLAG, example="OFF"),
    ] = True

    MONITOR_PRIVATE: Annotated[
        bool,
        Field(description="Private chats are relayed."),
        Setting("Private chats", section="filters", kind=FLAG, example="OFF"),
    ] = True

    MONITOR_GROUPS: Annotated[
        bool,
        Field(description="Groups that the bot is in are relayed, one topic each."),
        Setting("Groups", section="filters", kind=FLAG, example="ON"),
    ] = False

    MONITOR_CHANNELS: Annotated[
        bool,
        Field(description="Channels that the bot is in are relayed, one topic each."),
        Setting("Channels", section="filters", kind=FLAG, example="ON"),
    ] = False

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
        Setting("Keywords", section="filters", kind=KEYWORDS, example=KEYWORDS_EXAMPLE),
    ] = Field(default_factory=list)

    GROUPS_KEYWORDS: Annotated[
        list[list[str]],
        Field(max_length=100, description="The same for groups."),
        AfterValidator(_no_empty_group),
        Setting("Keywords in groups", section="filters", kind=KEYWORDS, example=KEYWORDS_EXAMPLE),
    ] = Field(default_factory=list)

    CHANNELS_KEYWORDS: Annotated[
        list[list[str]],
        Field(max_length=100, description="The same for channels."),
        AfterValidator(_no_empty_group),
        Setting("Keywords in channels", section="filters", kind=KEYWORDS, example=KEYWORDS_EXAMPLE),
    ] = Field(default_factory=list)

    RESTRICTED_KEYWORDS_FRONTEND: Annotated[
        list[Word],
        Field(max_length=100, description="Messages of customers that hold one of these are not relayed."),
        Setting("Not relayed to the team", section="filters", kind=STRINGS, example='"casino", "free money"'),
    ] = Field(default_factory=list)

    RESTRICTED_KEYWORDS_BACKEND: Annotated[
        list[Word],
        Field(max_length=100, description="Answers that hold one of these are not sent; the operator is told."),
        Setting("Not sent to customers", section="team", kind=STRINGS, example='"guarantee"'),
    ] = Field(default_factory=list)

    REPLY_ONLY: Annotated[
        bool,
        Field(description="Only replies to a message go to the customer; everything else in a topic stays inside."),
        Setting("Only replies are sent", section="team", kind=FLAG, example="ON"),
    ] = False

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

    EXTENSIONS_ALLOWED: Annotated[
        list[TelegramId | Literal["."]],
        Field(
            max_length=1000,
            description="Who may use /send, /mark and /export in General, and see cards under HIDE_INFO. "
            "A dot = everyone; OFF = the owner.",
        ),
        AfterValidator(_everyone_alone),
        Setting("Trusted operators", section="team", kind=PEOPLE, example="1001, 1002"),
    ] = Field(default_factory=list)

    HIDE_INFO: Annotated[
        list[Literal["command", "name", "title", "link", "phone", "email", "card"]],
        Field(
            max_length=7,
            description="What operators do not see of customers: the card that /info shows, their names, titles of "
            "groups, links to profiles; phone numbers, emails and card numbers are masked in what they write.",
        ),
        Setting(
            "Hide from operators",
            section="team",
            kind=any_of(HIDDEN),
            example="name, phone",
            up_to={Plan.FREE: Frozen()},
        ),
    ] = Field(default_factory=list)

    CUSTOM_COMMANDS: Annotated[
        list[CommandName],
        Field(max_length=100, description="Commands that other bots in the group obey: we stay silent."),
        Setting("Commands of other bots", section="team", kind=COMMANDS, example="/invoice, /stock"),
    ] = Field(default_factory=list)

    WEBHOOKS: Annotated[
        dict[str, list[EventName]],
        Field(
            description="Addresses that are told what happens to dialogs, each with its events: "
            f"{', '.join(EVENTS)}. At most {MOST_ADDRESSES}. See docs/webhooks.md."
        ),
        AfterValidator(checked),
        Setting(
            "Webhooks",
            section="automation",
            kind=ADDRESSES,
            example=EXAMPLE,
            up_to={Plan.FREE: AlwaysEmpty()},
        ),
    ] = Field(default_factory=dict)

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

    ARCHIVE: Annotated[
        int,
        Field(
            ge=0,
            le=LONGEST_ARCHIVE_DAYS,
            description="Days for which texts and captions are kept, encrypted, as the team reads them, with what "
            "they were before an edit: from the next message on. 0 = they are not kept, and those kept before are "
            "deleted within minutes.",
        ),
        Setting(
            "Keep messages, days",
            section="history",
            kind=NUMBER,
            example="30",
            up_to={Plan.FREE: AlwaysEmpty()},
        ),
    ] = 0
