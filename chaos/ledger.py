"""Every extra message accounted for: the call that sent it, and why no row remembers it.

Within one chat of one bot the calls that Telegram carried out and the messages that stand there have the same order,
so each message has its call. A message that is no row's result is an extra copy. Either its call was not answered,
or it was answered to a worker that could not record it any more.
"""

from collections import defaultdict
from collections.abc import Sequence

from chaos.conductor import Event
from chaos.evidence import Call, Evidence, moment
from chaos.messages import Message, places

INTERRUPTING = ("worker killed", "worker paused")
LONG_DRAIN = 8.0
"""Seconds after which a worker that was asked to end waits for its sessions no longer."""
BEFORE, AFTER = 3.0, 2.0
"""Seconds around what interrupted the caller: a call that was on its way when it began, or when it ended."""
CAUGHT_UP = 4.0
"""Seconds after PostgreSQL is back in which results from before still wait for their turn."""


class Ledger:
    def __init__(self, evidence: Evidence, events: Sequence[Event]) -> None:
        self.sent = sum(evidence.carried_out.values())
        self.standing = self.recorded = 0
        self.differences: list[str] = []
        self.extras: list[str] = []
        self.unanswered: list[str] = []
        self.deserted: list[str] = []
        self.interrupted: list[str] = []
        self.unexplained: list[str] = []
        self.recorded_unanswered: list[str] = []
        self._moments = _moments(evidence, events)
        for bot, chat, messages in places(evidence):
            self._book(bot, chat, messages, evidence.calls.get((bot, chat), []))

    @property
    def balanced(self) -> bool:
        return self.sent == self.standing and not self.differences

    def _book(self, bot: int, chat: str, messages: Sequence[Message], calls: Sequence[Call]) -> None:
        self.standing += len(messages)
        self.recorded += sum(message.recorded for message in messages)
        if len(messages) != len(calls):
            self.differences.append(f"bot {bot}, chat {chat}: {len(calls)} calls, {len(messages)} messages")
            self.extras += [message.text for message in messages if not message.recorded]
            return
        for message, call in zip(messages, calls, strict=True):
            told = f"bot {bot}, chat {chat}, message {message.id} {message.text!r}, {call}"
            if message.recorded:
                if not call.answered:
                    self.recorded_unanswered.append(told)
                continue
            self.extras.append(told)
            self._explain(told, call)

    def _explain(self, told: str, call: Call) -> None:
        of_the_caller = self._moments.get(call.worker, ())
        reason = next((name for name, began, ended in of_the_caller if began <= call.at <= ended), None)
        if call.fault == "drop_answer":
            self.unanswered.append(told)
        elif not call.answered:
            self.deserted.append(told)
        elif reason is not None:
            self.interrupted.append(f"{told}: {reason}")
        else:
            self.unexplained.append(told)


def _moments(evidence: Evidence, events: Sequence[Event]) -> dict[str, list[tuple[str, float, float]]]:
    """By worker: when its results may have been lost between Telegram's answer and the commit.

    A worker that is asked to end, or that finds PostgreSQL gone, has no such moment as long as it gets the time and
    keeps its leases: it records what it knows.
    """
    found: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    for event in events:
        if event.kind in INTERRUPTING or (event.kind == "worker drained" and event.seconds > LONG_DRAIN):
            ended = event.began if event.kind == "worker killed" else event.ended
            found[event.worker].append((event.kind, _unrecorded_since(event.began, events), ended + AFTER))
    for line in evidence.lines:
        if line.get("event") == "lease.lost":
            at = moment(line)
            found[line["worker"]].append(("lease lost", _unrecorded_since(at, events), at + AFTER))
    return found


def _unrecorded_since(at: float, events: Sequence[Event]) -> float:
    outages = [event for event in events if "PostgreSQL" in event.kind]
    return min([at, *(outage.began for outage in outages if 0 <= at - outage.ended <= CAUGHT_UP)]) - BEFORE
