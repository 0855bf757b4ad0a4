"""Words with formatting, put together piece by piece. Nothing in them is parsed: a name stands there as it is."""

from typing import Self

from tenants.ids import ChatId, TopicId
from tenants.outbox import Body, Entity, cut, utf16

LONGEST = 4000
"""UTF-16 units; Telegram takes 4096 (Bot API: sendMessage)."""
_CHANNELS = -1_000_000_000_000
"""Bot API ids of supergroups count down from here."""


class Paragraph:
    def __init__(self) -> None:
        self._text = ""
        self._entities: list[Entity] = []

    def say(self, words: str) -> Self:
        self._text += words
        return self

    def mention(self, name: str, who: int) -> Self:
        """Leads to the person, who is notified where they are a member of the chat (Bot API: text_mention)."""
        return self._mark("text_mention", name, str(who))

    def link(self, words: str, address: str) -> Self:
        return self._mark("text_link", words, address)

    def bold(self, words: str) -> Self:
        return self._mark("bold", words, "")

    def _mark(self, kind: str, words: str, more: str) -> Self:
        self._entities.append((kind, utf16(self._text), utf16(words), more))
        self._text += words
        return self

    def body(self) -> Body:
        """Cut to what one message holds; what is formatted goes with its words."""
        text = cut(self._text, LONGEST).rstrip()
        end = utf16(text)
        return Body(text, entities=tuple(entity for entity in self._entities if entity[1] + entity[2] <= end))


def topic_address(group: ChatId, topic: TopicId) -> str:
    """Of a topic, for the members of its supergroup (core.telegram.org/api/links: private message links)."""
    return f"https://t.me/c/{_CHANNELS - group}/{topic}"


def add_topic(shown: Paragraph, group: ChatId | None, topic: TopicId | None, name: str) -> None:
    """As a link, once there is a topic."""
    if group is None or topic is None:
        shown.say(name)
    else:
        shown.link(name, topic_address(group, topic))
