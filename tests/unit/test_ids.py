"""Ids that are made here."""

import time
from itertools import pairwise
from uuid import RFC_4122

from tenants.ids import new_id
from tenants.leases import SHARDS, shard_of

MANY = [new_id() for _ in range(1000)]


def _milliseconds(made) -> int:
    return made.int >> 80


def test_an_id_is_a_uuid_of_version_7():
    assert {made.version for made in MANY} == {7}
    assert {made.variant for made in MANY} == {RFC_4122}


def test_no_two_ids_are_alike():
    assert len(set(MANY)) == len(MANY)


def test_an_id_begins_with_the_millisecond_it_was_made_in():
    before = time.time_ns() // 1_000_000
    made = new_id()
    assert before <= _milliseconds(made) <= time.time_ns() // 1_000_000


def test_ids_of_later_milliseconds_are_greater():
    stamps = [_milliseconds(made) for made in MANY]
    assert stamps == sorted(stamps)
    by_stamp = {stamp: [made for made in MANY if _milliseconds(made) == stamp] for stamp in set(stamps)}
    groups = [by_stamp[stamp] for stamp in sorted(by_stamp)]
    assert all(max(earlier) < min(later) for earlier, later in pairwise(groups))


def test_everything_behind_the_time_is_random():
    tails = [made.int & ((1 << 80) - 1) for made in MANY]
    ever_set = ever_clear = 0
    for tail in tails:
        ever_set |= tail
        ever_clear |= ~tail
    varying = (ever_set & ever_clear & ((1 << 80) - 1)).bit_count()
    assert varying == 80 - 4 - 2  # the version and the variant stand still


def test_tenants_are_spread_over_all_shards():
    shards = [shard_of(new_id()) for _ in range(20_000)]
    assert set(shards) == set(range(SHARDS))


def test_a_tenants_shard_never_changes():
    assert shard_of(MANY[0]) == shard_of(MANY[0])
