"""What the program that polls notices of us. These confirm the bot's updates: only with LIVE_MAY_POLL=1."""

import asyncio
from collections.abc import Callable
from typing import Any

from telethon.tl.functions.messages import CreateForumTopicRequest, SendMessageRequest

from live_check.bot_api import Refused
from live_check.check import APP, BOTH, GROUP, PRIVATE, Check, Differs, Holds, Need, Unknown, Verdict
from live_check.stage import Stage, new_ids, new_random_id

POLL_SECONDS = 10
CONFLICT = 409
BUTTON_DATA = "live-check"


class Program:
    """Polls as a program would, from now on."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._offset = -1
        """The first poll forgets all but the newest update."""

    async def begin(self) -> None:
        await self._fetch(0)

    async def find(self, met: Callable[[Any], bool], seconds: float, seen: list[Any] | None = None) -> Any:
        """The first update that is so, or None after that time. `seen` gets all that came."""
        until = asyncio.get_running_loop().time() + seconds
        while (left := until - asyncio.get_running_loop().time()) > 0:
            updates = await self._fetch(min(POLL_SECONDS, round(left)))
            if seen is not None:
                seen += updates
            found = next((update for update in updates if met(update)), None)
            if found is not None:
                return found
        return None

    async def _fetch(self, seconds: int) -> list[Any]:
        updates: list[Any] = await self._stage.bot.call("getUpdates", offset=self._offset, timeout=seconds)
        self._offset = updates[-1]["update_id"] + 1 if updates else max(self._offset, 0)
        return updates


def _is_creation_of(topic: int) -> Callable[[Any], bool]:
    def met(update: Any) -> bool:
        message = update.get("message", {})
        return "forum_topic_created" in message and message.get("message_thread_id") == topic

    return met


async def _sends_are_hidden(stage: Stage) -> Verdict:
    observer, program, updates = await stage.observer(), Program(stage), list[Any]()
    await program.begin()
    peer = await observer.person(stage.given.customer)
    answer = await observer.call(SendMessageRequest(peer, stage.words("hidden"), random_id=new_random_id()))
    (number,) = stage.litter(new_ids(answer))

    def is_it(update: Any) -> bool:
        message = update.get("message", {})
        return (message.get("chat", {}).get("id"), message.get("message_id")) == (stage.given.customer, number)

    found = await program.find(is_it, stage.patience.arriving, updates)
    if found is not None:
        return Differs("it came as a message")
    return Holds(f"{len(updates)} other updates within {stage.patience.arriving:.0f} s")


async def _own_topic_is_shown(stage: Stage) -> Verdict:
    observer, program = await stage.observer(), Program(stage)
    await program.begin()
    group = await observer.group(stage.given.group)
    request = CreateForumTopicRequest(group, stage.words("shown"), random_id=new_random_id())
    topic = await stage.make_topic_by_mtproto(request)
    found = await program.find(_is_creation_of(topic), stage.patience.arriving)
    return Holds() if found else Differs(f"no forum_topic_created within {stage.patience.arriving:.0f} s")


async def _press_reaches_both(stage: Stage) -> Verdict:
    observer, program = await stage.observer(), Program(stage)
    await program.begin()
    keyboard = {"inline_keyboard": [[{"text": "Press me", "callback_data": BUTTON_DATA}]]}
    number = await stage.write_to_customer(stage.words("press the button"), reply_markup=keyboard)
    seconds = stage.patience.answering
    stage.tell(f"  → The person LIVE_CUSTOMER_ID: press the button below the newest message within {seconds:.0f} s.")
    seen = await observer.wait_for(lambda one: (one.what, one.id) == ("callback", number), seconds)
    found = await program.find(lambda update: "callback_query" in update, stage.patience.arriving)
    if found is not None:
        await stage.bot.call("answerCallbackQuery", callback_query_id=found["callback_query"]["id"])
    if seen is None and found is None:
        return Unknown("nobody pressed the button")
    if seen is None or found is None:
        return Differs(f"only {'the Bot API' if seen is None else 'MTProto'} was told")
    return Holds()


async def _webhook_info_disturbs_nobody(stage: Stage) -> Verdict:
    seconds = min(POLL_SECONDS, round(stage.patience.arriving))
    polling = asyncio.create_task(stage.bot.call("getUpdates", offset=0, timeout=seconds))
    await asyncio.sleep(0)
    info = await stage.bot.call("getWebhookInfo")
    try:
        await polling
    except Refused as refused:
        if refused.code != CONFLICT:
            raise
        return Differs(f"the poll ended with: {refused.text}")
    return Holds() if info["url"] == "" else Differs("it tells of a webhook while the bot is polled")


CHECKS = (
    Check(
        name="mtproto-sends-are-not-polled",
        asks="Does what MTProto sends stay out of getUpdates?",
        premise="The Bot API hides outgoing messages.",
        confidence="H",
        relied_on=("sandbox/world/delivery.py:deliver", "sessions/mtproto/session.py"),
        needs=PRIVATE | APP | {Need.POLLING},
        ask=_sends_are_hidden,
    ),
    Check(
        name="own-topic-is-polled",
        asks="Is a topic that MTProto created told in getUpdates?",
        premise="Of its own messages a bot is told those about topics.",
        confidence="H",
        relied_on=("sandbox/world/delivery.py:OWN_SERVICE_KINDS", "sessions/events.py:TopicEvent"),
        needs=GROUP | APP | {Need.POLLING},
        ask=_own_topic_is_shown,
    ),
    Check(
        name="press-reaches-both",
        asks="Does a press of a callback button reach the program and the MTProto session?",
        premise="Both are told of the same callback query.",
        confidence="M",
        relied_on=("worker/decisions/program.py:pressed", "sandbox/mtproto/methods/stream.py:_push_callback"),
        needs=BOTH | APP | {Need.POLLING, Need.PERSON},
        ask=_press_reaches_both,
    ),
    Check(
        name="webhook-info-disturbs-nobody",
        asks="Can getWebhookInfo be asked while a program polls?",
        premise="It ends no poll, and its url is empty.",
        confidence="M",
        relied_on=("sessions/bot_api/session.py", "sandbox/bot_api/methods/webhook.py:get_webhook_info"),
        needs=frozenset({Need.BOT, Need.POLLING}),
        ask=_webhook_info_disturbs_nobody,
    ),
)
