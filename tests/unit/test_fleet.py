"""The arithmetic of fair shares."""

from hypothesis import given
from hypothesis import strategies as st

from tenants.fleet import fair_share
from tenants.leases import SHARDS

fleets = st.lists(st.integers(0, SHARDS), min_size=1, max_size=2 * SHARDS)


@given(st.integers(1, 1000))
def test_the_shares_are_enough_for_all_shards_and_no_more_than_rounding_needs(alive: int) -> None:
    assert fair_share(alive) * alive >= SHARDS
    assert (fair_share(alive) - 1) * alive < SHARDS


@given(fleets)
def test_while_a_shard_is_free_somebody_has_room_for_it(held: list[int]) -> None:
    if sum(held) < SHARDS:
        assert min(held) < fair_share(len(held))


@given(fleets)
def test_whoever_has_too_much_finds_somebody_who_has_too_little(held: list[int]) -> None:
    if sum(held) <= SHARDS and max(held) > fair_share(len(held)):
        assert min(held) < fair_share(len(held))


def test_a_worker_alone_has_everything_and_one_that_sees_nobody_thinks_so_too() -> None:
    assert (fair_share(1), fair_share(0)) == (SHARDS, SHARDS)
