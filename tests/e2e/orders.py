"""What operators type, and what they read in answer."""

from typing import Any

from sandbox.world.entities import User
from sandbox.world.messages import Message
from tests.e2e.conftest import Stage

ANNA = "Anna Petrova"


async def opened(stage: Stage) -> None:
    """The customer has written, and was welcomed."""
    stage.world.send(stage.customer, stage.bot, "hello")
    await stage.until(lambda: stage.in_topic(ANNA) and stage.seen_by())


async def say(stage: Stage, words: str, who: User | None = None) -> Message:
    """What the bot answers in the customer's topic, as a reply."""
    topic = stage.topic(ANNA)
    typed = stage.world.send(who or stage.operator, stage.group, words, topic=topic)

    def answers() -> list[Message]:
        return [message for message in stage.in_topic(ANNA) if message.reply_to == typed.id]

    return (await stage.until(answers, f"an answer to {words[:60]}"))[0]


async def ask(stage: Stage, words: str) -> Message:
    """What a bot answers in General."""
    typed = stage.world.send(stage.operator, stage.group, words)
    return (await stage.until(lambda: answers_to(stage, typed), f"an answer to {words[:60]}"))[0]


def answers_to(stage: Stage, typed: Message) -> list[Message]:
    history = stage.world.history(stage.group, stage.group.topics[1])
    return [message for message in history if message.reply_to == typed.id]


def mentioned(message: Message) -> dict[str, int]:
    """The words of each mention, and whom it leads to."""
    return {words: entity.user.id for words, entity in _marked(message, "text_mention")}


def links(message: Message) -> dict[str, str]:
    """The words of each link, and where it leads."""
    return {words: entity.url for words, entity in _marked(message, "text_link")}


def _marked(message: Message, kind: str) -> list[tuple[str, Any]]:
    text = message.text.encode("utf-16-le")
    found = [entity for entity in message.content.entities if entity.type == kind]
    return [(text[2 * one.offset : 2 * (one.offset + one.length)].decode("utf-16-le"), one) for one in found]


def address(stage: Stage, name: str) -> str:
    topic = stage.topic(name)
    assert topic is not None
    return f"https://t.me/c/{-stage.group.id - 1_000_000_000_000}/{topic.id}"
