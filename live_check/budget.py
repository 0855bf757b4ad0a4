"""What counts in a group's twenty a minute. Each begins with a quiet minute and ends with a refusal: LIVE_SLOW=1."""

from collections.abc import Awaitable, Callable
from typing import Any

from live_check.bot_api import TOO_MANY, Refused
from live_check.check import BOTH, GROUP, Check, Differs, Holds, Need, Undecided, Verdict
from live_check.stage import Stage

LIMIT = 20
"""Messages a minute to the same group (Bots FAQ)."""
SLACK = 3
"""A limit that is a little more or less is still that limit."""
AT_MOST = 40
"""Calls after which no limit is looked for any more."""
BATCH = 10
HALF = LIMIT // 2


async def _fill(deed: Callable[[], Awaitable[Any]], at_most: int = AT_MOST) -> tuple[int, float]:
    """How many calls went through until Telegram asked to wait, and for how many seconds; 0 if it never did."""
    for count in range(at_most):
        try:
            await deed()
        except Refused as refused:
            if refused.code != TOO_MANY:
                raise
            return count, refused.wait
    return at_most, 0.0


async def _quiet(stage: Stage) -> None:
    stage.tell(f"  … a quiet minute ({stage.patience.quiet:.0f} s)")
    await stage.pause(stage.patience.quiet)


def _texts(stage: Stage, topic: int) -> Callable[[], Awaitable[Any]]:
    async def send() -> Any:
        return await stage.bot.call(
            "sendMessage",
            patient=False,
            chat_id=stage.given.group,
            message_thread_id=topic,
            text=stage.words("budget"),
        )

    return send


def _judge(count: int, expected: int, wait: float, what: str) -> Verdict:
    said = f"{count} {what} went through, then a wait of {wait:.0f} s" if wait else f"{count} {what} and no wait"
    return Holds(said) if wait and abs(count - expected) <= SLACK else Differs(said)


async def _texts_alone(stage: Stage) -> Verdict:
    topic = await stage.topic()
    await _quiet(stage)
    count, wait = await _fill(_texts(stage, topic))
    return _judge(count, LIMIT, wait, "texts")


async def _batches(stage: Stage) -> Verdict:
    """Two batches fill the minute if each of their messages counts."""
    topic = await stage.topic()
    ids = [await stage.write_to_customer(stage.words(f"part {number}")) for number in range(BATCH)]
    await _quiet(stage)

    async def copy() -> Any:
        return await stage.bot.call(
            "copyMessages",
            patient=False,
            chat_id=stage.given.group,
            message_thread_id=topic,
            from_chat_id=stage.given.customer,
            message_ids=ids,
        )

    batches, wait = await _fill(copy, at_most=2 * LIMIT // BATCH)
    said = f"{batches} batches of {BATCH} went through"
    return Holds(said) if wait and batches <= LIMIT // BATCH else Differs(f"{said}{'' if wait else ' and no wait'}")


async def _creations(stage: Stage) -> Verdict:
    await _quiet(stage)
    count, wait = await _fill(
        lambda: stage.make_topic(stage.words("burst"), patient=False), at_most=LIMIT + SLACK + 1
    )
    return _judge(count, LIMIT, wait, "topics")


async def _creations_with_texts(stage: Stage) -> Verdict:
    topic = await stage.topic()
    await _quiet(stage)
    await _all(lambda: stage.make_topic(stage.words("beside texts"), patient=False))
    count, wait = await _fill(_texts(stage, topic))
    return _judge(count, LIMIT - HALF, wait, f"texts after {HALF} new topics")


async def _edits_with_texts(stage: Stage) -> Verdict:
    topic = await stage.make_topic(stage.words("to be renamed"))
    await _quiet(stage)
    await _all(lambda: _rename(stage, topic))
    count, wait = await _fill(_texts(stage, topic))
    return _judge(count, LIMIT - HALF, wait, f"texts after {HALF} renames")


async def _rename(stage: Stage, topic: int) -> Any:
    name = stage.words("renamed")
    return await stage.bot.call(
        "editForumTopic", patient=False, chat_id=stage.given.group, message_thread_id=topic, name=name
    )


async def _all(deed: Callable[[], Awaitable[Any]]) -> None:
    count, wait = await _fill(deed, at_most=HALF)
    if wait:
        raise Undecided(f"already after {count} Telegram asked to wait {wait:.0f} s")


_SLOW = GROUP | {Need.PATIENCE}

CHECKS = (
    Check(
        name="twenty-a-minute",
        asks="After how many texts to one group within a minute does Telegram ask to wait?",
        premise=f"{LIMIT}",
        confidence="H",
        relied_on=("worker/allowance.py", "sandbox/flood.py:per_group"),
        needs=_SLOW,
        ask=_texts_alone,
    ),
    Check(
        name="each-copy-counts",
        asks=f"Does copyMessages of {BATCH} count as {BATCH}?",
        premise="Each message counts.",
        confidence="M",
        relied_on=("worker/allowance.py", "sandbox/flood.py:count_each_copy"),
        needs=BOTH | {Need.PATIENCE},
        ask=_batches,
    ),
    Check(
        name="topic-burst",
        asks="How many topics can be made within a minute?",
        premise=f"{LIMIT}: a new topic is a message about it.",
        confidence="M",
        relied_on=("worker/allowance.py", "sandbox/flood.py:Flood"),
        needs=_SLOW,
        ask=_creations,
    ),
    Check(
        name="new-topics-count",
        asks="Do new topics and texts share one budget?",
        premise="They do.",
        confidence="H",
        relied_on=("worker/allowance.py", "sandbox/flood.py:Flood"),
        needs=_SLOW,
        ask=_creations_with_texts,
    ),
    Check(
        name="topic-edits-count",
        asks="Do renames of topics and texts share one budget?",
        premise="They do.",
        confidence="M",
        relied_on=("worker/allowance.py", "sandbox/flood.py:count_topic_edits"),
        needs=_SLOW,
        ask=_edits_with_texts,
    ),
)
