"""Breaks delivery in one place after the other, in a copy of the tree: each time a test has to turn red.

`make mutations` runs all, `make mutations ARGS="claim record"` those whose name begins so. Not part of `make test`:
it takes minutes.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS = "tests/integration/test_delivery_properties.py"
ANY = "whatever_happens"
BACKLOG = "backlog"
ATTEMPT = "attempt"
TURNS = "take_turns"
CLAIMS, RESULTS, INTAKE = "tenants/outbox/claims.py", "tenants/outbox/results.py", "tenants/intake.py"
TOPICS, SENDING = "tenants/topics.py", "worker/sending.py"
TRUST_ALL = (
    "SELECT w.* FROM unnest(CAST(:tenants AS uuid[]), CAST(:shards AS smallint[]), CAST(:terms AS bigint[])) "
    "AS w(tenant, shard, term) WHERE CAST(:holder AS uuid) IS NOT NULL"
)
TRUST = "SELECT 1 WHERE :shard + :term > 0 AND CAST(:holder AS uuid) IS NOT NULL"


@dataclass(frozen=True)
class Mutation:
    """`old` stands `times` times in the file; only the `nth` is changed, or all."""

    name: str
    path: str
    old: str
    new: str
    tests: str = ANY
    nth: int | None = None


MUTATIONS = (
    Mutation("claim: lanes in any order", CLAIMS, "ORDER BY l.served_at", "ORDER BY l.id <> l.id", TURNS),
    Mutation("claim: the newest first", CLAIMS, "ORDER BY l.served_at", "ORDER BY l.served_at DESC", TURNS),
    Mutation(
        "claim: not the head",
        CLAIMS,
        "h.lane_seq = f.head_seq",
        "h.lane_seq = (SELECT max(x.lane_seq) FROM outbox x WHERE x.lane_id = f.id AND x.state = 'waiting')",
    ),
    Mutation(
        "claim: runs in any order", CLAIMS, "ORDER BY c.lane_seq\n", "ORDER BY c.id DESC\n", f"{ANY} or {BACKLOG}"
    ),
    Mutation("claim: without a lease", CLAIMS, "held AS ({HELD_BY_ALL})", f"held AS ({TRUST_ALL})"),
    Mutation(
        "claim: lanes that are being sent",
        CLAIMS,
        "AND l.id <> ALL(:busy) AND w.group_is_free",
        "AND w.group_is_free",
    ),
    Mutation("claim: blocked lanes", CLAIMS, "AND l.blocked_until <= now() AND", "AND", nth=0),
    Mutation("claim: paused groups", CLAIMS, "AND p.until > now()) AS group_is_free", "AND false) AS group_is_free"),
    Mutation("claim: long albums", CLAIMS, "MOST_COPIED = 10", "MOST_COPIED = 100", f"{ANY} or {BACKLOG}"),
    Mutation("claim: long texts", CLAIMS, "LONGEST_JOINED = 4096", "LONGEST_JOINED = 9000", f"{ANY} or {BACKLOG}"),
    Mutation("claim: whatever comes next", CLAIMS, "WHERE r.fits AND (", "WHERE (", f"{ANY} or {BACKLOG}"),
    Mutation(
        "claim: replies are copied in a run",
        CLAIMS,
        "ELSE o.kind = 'copy' AND o.album IS NULL AND o.reply_to IS NULL AND",
        "ELSE o.kind = 'copy' AND o.album IS NULL AND",
        f"{ANY} or {BACKLOG}",
    ),
    Mutation(
        "claim: the first part", CLAIMS, "ORDER BY m.part_at DESC LIMIT 1", "ORDER BY m.part_at LIMIT 1", BACKLOG
    ),
    Mutation("record: without a lease", RESULTS, "held AS ({HELD_BY_ALL})", f"held AS ({TRUST_ALL})"),
    Mutation("record: under another term", RESULTS, " AND o.term = t.term", "", ATTEMPT),
    Mutation(
        "record: in any state",
        RESULTS,
        "AND (o.state = 'sending' OR o.state = 'delivered' AND o.result_message_id = r.message_id)",
        "",
        ATTEMPT,
    ),
    Mutation("record: a refusal in any state", RESULTS, "AND term = :term AND state = 'sending'", "", ATTEMPT, nth=0),
    Mutation("record: a burial in any state", RESULTS, "AND term = :term AND state = 'sending'", "", ATTEMPT, nth=1),
    Mutation(
        "record: a refusal without a lease", RESULTS, "held AS ({HELD}),\n    back", f"held AS ({TRUST}),\n    back"
    ),
    Mutation(
        "record: a refusal blocks nothing",
        RESULTS,
        "clock_timestamp() + :delay\n    WHERE tenant_id = :tenant AND id",
        "clock_timestamp() + :delay * 0\n    WHERE tenant_id = :tenant AND id",
    ),
    Mutation(
        "record: nothing is mapped", RESULTS, "n.kind IN ('copy', 'answer', 'mirror') AND", "n.kind = 'answer' AND"
    ),
    Mutation("record: a refusal is no attempt", RESULTS, "CASE WHEN :counted THEN 0", "CASE WHEN :counted THEN 1"),
    Mutation(
        "store: desks without a lease",
        INTAKE,
        "WITH held AS ({HELD_BY_ALL})\n    SELECT t.id",
        f"WITH held AS ({TRUST_ALL})\n    SELECT t.id",
    ),
    Mutation(
        "store: the cursor without a lease",
        INTAKE,
        "WITH held AS ({HELD_BY_ALL})",
        f"WITH held AS ({TRUST_ALL})",
    ),
    Mutation(
        "store: acknowledge before the commit", "worker/seat.py", "await self._stored\n", "await asyncio.sleep(0)\n"
    ),
    Mutation(
        "store: forget what is known",
        "worker/outcomes.py",
        "update.id not in known if update.waited_since is None",
        "True if update.waited_since is None",
    ),
    Mutation(
        "store: one part's trouble is everybody's",
        "worker/pump.py",
        "if len(brought) > 1:\n                await self._halve(brought)",
        "if len(brought) > 1:\n                for seat, _ in brought:\n                    seat.fail(error)",
    ),
    Mutation(
        "topics: asked for again at once",
        TOPICS,
        "OR f.topic_asked_at < now() - CAST(:in_doubt AS interval)",
        "OR CAST(:in_doubt AS interval) IS NOT NULL",
    ),
    Mutation(
        "topics: nobody adopts",
        "worker/decisions/team.py",
        'return _adopt(event, work) if event.what == "created" else',
        "return",
    ),
    Mutation(
        "topics: asked for without a lease",
        TOPICS,
        "WITH held AS ({HELD_BY_ALL})\n    UPDATE dialogs d SET topic_asked_at",
        f"WITH held AS ({TRUST_ALL})\n    UPDATE dialogs d SET topic_asked_at",  # noqa: S608
    ),
    Mutation("join: parts begin elsewhere", SENDING, "parts.append(at)", "parts.append(at + 1)", BACKLOG),
    Mutation("join: all parts begin at the start", SENDING, "parts.append(at)", "parts.append(0)", BACKLOG),
    Mutation(
        "join: characters are counted",
        SENDING,
        "at += utf16(row.body.text) + 1",
        "at += len(row.body.text) + 1",
        BACKLOG,
    ),
    Mutation(
        "join: formatting stays behind",
        SENDING,
        "(kind, at + offset, length, language)",
        "(kind, offset, length, language)",
        BACKLOG,
    ),
    Mutation(
        "wake: nobody looks for what is behind", "worker/sender.py", "self._has_more |= home.claimed.has_more", "pass"
    ),
    Mutation("wake: nobody looks again", "worker/sender.py", "self._set_timer(home.due)", "self._set_timer(None)"),
)


def mutate(tree: Path, mutation: Mutation) -> None:
    path = tree / mutation.path
    source = path.read_text()
    pieces = source.split(mutation.old)
    if len(pieces) == 1:
        raise ValueError(f"{mutation.path} has changed: {mutation.old!r} is not there")
    if mutation.nth is None:
        path.write_text(mutation.new.join(pieces))
    else:
        head, tail = pieces[: mutation.nth + 1], pieces[mutation.nth + 1 :]
        path.write_text(mutation.old.join(head) + mutation.new + mutation.old.join(tail))


def failed_tests(tree: Path, tests: str) -> list[str]:
    """The first test that is red; none where all are green."""
    command = [sys.executable, "-m", "pytest", TESTS, "-x", "-rfE", "--tb=no", "-p", "no:cacheprovider", "-k", tests]
    environment = os.environ | {"JUST_FIND": "1", "MORE_EXAMPLES": os.environ.get("MORE_EXAMPLES", "2")}
    ran = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode not in {0, 1}:
        raise RuntimeError(ran.stdout[-2000:] + ran.stderr[-2000:])
    return re.findall(r"^(?:FAILED|ERROR) \S+::(\S+)", ran.stdout, re.MULTILINE)


def main(wanted: list[str]) -> int:
    chosen = [m for m in MUTATIONS if not wanted or m.name.startswith(tuple(wanted))]
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        if failed := failed_tests(tree, "test"):
            sys.stdout.write(f"red before anything was broken: {failed}\n")
            return 1
        for mutation in chosen:
            original = (tree / mutation.path).read_text()
            mutate(tree, mutation)
            red = failed_tests(tree, mutation.tests)
            (tree / mutation.path).write_text(original)
            survivors += not red
            sys.stdout.write(f"{'red  ' if red else 'ALIVE'} {mutation.name}: {', '.join(red)}\n")
            sys.stdout.flush()
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
