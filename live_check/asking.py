"""Asks Telegram one check after the other. What breaks one of them does not keep the others from being asked."""

from collections.abc import Iterable
from dataclasses import dataclass

from live_check import absence, budget, copies, mirror, polling, refusals, repetition
from live_check.bot_api import Refused
from live_check.check import OPTIONAL, Check, Differs, Holds, Undecided, Unknown, Verdict
from live_check.stage import Stage, Tell
from sessions.errors import SessionError

CHECKS: tuple[Check, ...] = (
    *mirror.CHECKS,
    *repetition.CHECKS,
    *copies.CHECKS,
    *refusals.CHECKS,
    *polling.CHECKS,
    *absence.CHECKS,
    *budget.CHECKS,
)


@dataclass(frozen=True, slots=True)
class Answer:
    check: Check
    verdict: Verdict


async def ask_all(checks: Iterable[Check], stage: Stage) -> list[Answer]:
    answers = []
    for check in checks:
        answers.append(Answer(check, await _ask(check, stage)))
        _show(answers[-1], stage.tell)
    return answers


async def _ask(check: Check, stage: Stage) -> Verdict:
    missing = [str(need) for need in check.needs & OPTIONAL if not stage.given.has(need)]
    if missing:
        return Unknown(f"not asked: set {' and '.join(sorted(missing))}")
    try:
        return await check.ask(stage)
    except Refused as refused:
        return Unknown(f"Telegram refused something before that: {refused}")
    except SessionError as error:
        return Unknown(error.text)
    except Undecided as reason:
        return Unknown(str(reason))
    except Exception as error:  # noqa: BLE001  # no answer of Telegram's that nobody foresaw ends the others
        return Unknown(f"the check broke: {type(error).__name__}")


def _show(answer: Answer, tell: Tell) -> None:
    check = answer.check
    match answer.verdict:
        case Holds(seen):
            tell(f"  holds    {check.name:<30} {seen}".rstrip())
        case Unknown(why):
            tell(f"  unknown  {check.name:<30} {why}")
        case Differs(seen):
            tell(f"  DIFFERS  {check.name:<30} {seen}")
            tell(f"           {check.asks}")
            tell(f"           assumed: {check.premise} [{check.confidence}] in {', '.join(check.relied_on)}")


def describe(check: Check) -> str:
    return (
        f"{check.name}\n  {check.asks}\n  assumed: {check.premise} [{check.confidence}]\n"
        f"  relied on in: {', '.join(check.relied_on)}\n  needs: {', '.join(sorted(check.needs))}"
    )
