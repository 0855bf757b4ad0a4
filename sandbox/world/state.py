"""Everything there is, indexed; the other modules are what may happen to it."""

from datetime import datetime
from typing import Literal, NoReturn

from sandbox.world.boxes import Boxes
from sandbox.world.clock import Clock, real_clock
from sandbox.world.entities import Account, Bot, Chat, Member, Topic, User
from sandbox.world.feed import Feed
from sandbox.world.files import FileStore
from sandbox.world.ids import Ids
from sandbox.world.journey import Journeys
from sandbox.world.messages import Callback, Message
from sandbox.world.rules import Rules
from sandbox.world.stars import Stars

ANONYMOUS_ADMIN_ID = 1087968824
TELEGRAM_ID = 777000
CHANNEL_BOT_ID = 136817688


class NotAllowed(Exception):
    """Telegram's apps would not let this person do this; the text says why."""


class State(Feed):
    def __init__(self, clock: Clock | None = None, *, seed: int = 1, rules: Rules | None = None) -> None:
        super().__init__()
        self.clock: Clock = clock or real_clock
        self.ids = Ids(seed)
        self.rules = rules or Rules()
        self.files = FileStore(self.ids)
        self.journeys = Journeys()
        self.boxes = Boxes()
        self.stars = Stars()
        self.users: dict[int, User] = {}
        self.bots: dict[int, Bot] = {}
        self.bots_by_token: dict[str, Bot] = {}
        self.accounts_by_username: dict[str, Account] = {}
        self.chats: dict[int, Chat] = {}
        """Groups of both kinds."""
        self.privates: dict[tuple[int, int], Chat] = {}
        """By bot and person."""
        self.callbacks: dict[str, Callback] = {}
        self.ids.take(ANONYMOUS_ADMIN_ID)
        self.ids.take(TELEGRAM_ID)
        self.ids.take(CHANNEL_BOT_ID)
        self.telegram = User(TELEGRAM_ID, "Telegram")
        """Forwards posts of channels into their groups."""
        self.channel_bot = User(CHANNEL_BOT_ID, "Channel", username="Channel_Bot")
        self.anonymous_admin = User(ANONYMOUS_ADMIN_ID, "Group", username="GroupAnonymousBot")

    def note(self, chat: Chat, what: Literal["new", "edited", "deleted"], *messages: Message) -> None:
        """Counts it in the boxes that it belongs to, and tells who follows them."""
        if messages:
            self.emit("box.moved", self.boxes.note(chat, what, messages, self.now()), chat)

    def now(self) -> datetime:
        return self.clock()

    def account(self, account_id: int) -> Account:
        found = self.users.get(account_id) or self.bots.get(account_id)
        return found or _missing(f"There is no account {account_id}.")

    def user(self, user_id: int) -> User:
        return self.users.get(user_id) or _missing(f"There is no person {user_id}.")

    def bot(self, bot: int | str) -> Bot:
        """By id, token or username."""
        if isinstance(bot, int):
            found = self.bots.get(bot)
        else:
            named = self.accounts_by_username.get(bot.removeprefix("@").lower())
            found = self.bots_by_token.get(bot) or (named if isinstance(named, Bot) else None)
        return found or _missing(f"There is no bot {bot}.")

    def chat(self, chat_id: int) -> Chat:
        return self.chats.get(chat_id) or _missing(f"There is no group {chat_id}.")

    def private(self, user: User, bot: Bot) -> Chat:
        """Their chat, empty if they have never met."""
        chat = self.privates.get((bot.id, user.id))
        if chat is None:
            chat = Chat(user.id, "private", user=user, bot=bot)
            chat.members = {user.id: Member(user, "member"), bot.id: Member(bot, "member")}
            self.privates[bot.id, user.id] = chat
        return chat

    def chat_seen_by(self, user: User, chat: "Chat | Bot | int") -> Chat:
        """A chat as a person names it: a group, or the bot they talk to."""
        if isinstance(chat, Chat):
            return chat
        if isinstance(chat, Bot):
            return self.private(user, chat)
        if chat in self.bots:
            return self.private(user, self.bots[chat])
        return self.chat(chat)

    def find_message(self, chat: Chat, message_id: int, viewer: Account | None = None) -> Message | None:
        """By the id that the viewer knows it by."""
        if viewer is not None and chat.kind == "group":
            message_id = chat.aliases.get((viewer.id, message_id), 0)
        return chat.messages.get(message_id)

    def message(self, chat: Chat, message: Message | int) -> Message:
        """The message as it is now."""
        number = message if isinstance(message, int) else message.id
        return chat.messages.get(number) or _missing(f"There is no message {number} here.")

    def topic(self, chat: Chat, topic: Topic | int) -> Topic:
        number = topic if isinstance(topic, int) else topic.id
        return chat.topics.get(number) or _missing("This topic has been deleted.")

    def history(self, chat: Chat, topic: Topic | int | None = None) -> list[Message]:
        """The messages of a chat, or of one of its topics, oldest first."""
        if topic is None:
            return list(chat.messages.values())
        number = topic if isinstance(topic, int) else topic.id
        found = chat.topics.get(number)
        return [chat.messages[i] for i in found.message_ids if i in chat.messages] if found else []


def _missing(sentence: str) -> NoReturn:
    raise NotAllowed(sentence)
