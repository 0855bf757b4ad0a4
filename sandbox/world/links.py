"""Links of t.me as an app opens them: start a bot, or put it into a group."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from sandbox.world import membership
from sandbox.world.entities import RIGHTS, Bot, Chat, User
from sandbox.world.messages import Message
from sandbox.world.posting import post
from sandbox.world.state import NotAllowed, State
from sandbox.world.talking import say

_HOSTS = frozenset({"t.me", "telegram.me", "telegram.dog"})
_NEWBOT_STEPS = 3


def open_link(state: State, user: User, link: str, chat: Chat | None = None) -> Message | None:
    """`https://t.me/BOT?start=...` or `...?startgroup=PAYLOAD&admin=a+b`, the group being the chosen one."""
    if slug_of(link) is not None:
        raise NotAllowed("This link is an invoice, to be paid.")
    bot, query = _parse(state, link)
    if "startgroup" not in query:
        return start(state, user, bot, query.get("start"))
    if chat is None:
        raise NotAllowed("Choose the group that the bot shall join.")
    _add(state, user, bot, chat, query.get("admin"))
    payload = query["startgroup"]
    if not payload or payload == "true":
        return None
    return post(state, chat, user, say(f"/start@{bot.username} {payload}"))


@dataclass(frozen=True, slots=True)
class NewBot:
    manager: str
    username: str
    name: str


def parse_newbot(link: str) -> NewBot | None:
    """`https://t.me/newbot/MANAGER/USERNAME?name=NAME`, or None if it is another link."""
    parts = urlsplit(link if "://" in link else f"https://{link}")
    steps = parts.path.strip("/").split("/")
    if parts.netloc not in _HOSTS or steps[0] != "newbot" or len(steps) != _NEWBOT_STEPS:
        return None
    return NewBot(steps[1], steps[2], parse_qs(parts.query).get("name", [""])[0])


def slug_of(link: str) -> str | None:
    """Of an invoice, `https://t.me/$SLUG`, or None if it is another link."""
    parts = urlsplit(link if "://" in link else f"https://{link}")
    path = parts.path.strip("/")
    return path[1:] if parts.netloc in _HOSTS and path.startswith("$") else None


def start(state: State, user: User, bot: Bot, payload: str | None = None) -> Message:
    """The START button."""
    if bot.is_deleted:
        raise NotAllowed("This bot has been deleted.")
    chat = state.private(user, bot)
    membership.set_blocked(state, chat, blocked=False)
    return post(state, chat, user, say(f"/start {payload}" if payload else "/start"))


def check_joins_groups(bot: Bot) -> None:
    if bot.is_deleted:
        raise NotAllowed("This bot has been deleted.")
    if not bot.can_join_groups:
        raise NotAllowed("This bot can't join groups.")


def _parse(state: State, link: str) -> tuple[Bot, dict[str, str]]:
    parts = urlsplit(link if "://" in link else f"https://{link}")
    query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
    if parts.scheme == "tg" and parts.netloc == "resolve":
        return state.bot(query.pop("domain", "")), query
    if parts.netloc not in _HOSTS:
        raise NotAllowed("This link does not lead into Telegram.")
    return state.bot(parts.path.strip("/")), query


def _add(state: State, user: User, bot: Bot, chat: Chat, admin: str | None) -> None:
    me = chat.member(user)
    check_joins_groups(bot)
    if admin is None:
        if not (me.is_present and (me.is_admin or "invite_users" in chat.permissions)):
            raise NotAllowed("You can't add members to this group.")
        if not chat.member(bot).is_present:
            membership.join(state, chat, bot, user)
        return
    if not me.may("promote_members"):
        raise NotAllowed("Only an administrator who may add administrators can do this.")
    asked = frozenset(admin.replace("+", " ").split()) & RIGHTS
    granted = asked if me.status == "creator" else asked & me.rights
    membership.promote(state, chat, bot, user, granted | chat.member(bot).rights)
