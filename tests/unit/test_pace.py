"""The arithmetic of cold starts, and how its pace is configured."""

import pytest

from tenants.config import Config, ConfigError
from worker.pace import computed_seconds

GOOD = {"DATABASE_URL": "postgresql://u@h/d", "REDIS_URL": "redis://h", "BACKLINE_KEYRING": "/k"}


@pytest.mark.parametrize(
    ("tokens", "seconds"),
    [(0, 0), (1, 0), (20, 0), (21, 60), (40, 60), (41, 120), (600, 29 * 60), (601, 3600), (5000, 8 * 3600 + 540)],
)
def test_how_long_a_start_of_so_many_cold_tokens_takes(tokens: int, seconds: float) -> None:
    assert computed_seconds(tokens) == seconds


def test_without_a_limit_nothing_is_waited_for() -> None:
    assert computed_seconds(5000, per_minute=0) == computed_seconds(5000, per_minute=None) == 0
    assert computed_seconds(5000, per_hour=0) == 249 * 60


def test_the_pace_is_telegrams_where_nothing_is_configured() -> None:
    config = Config.from_env(GOOD)
    assert (config.cold_starts_per_minute, config.cold_starts_per_hour, config.egress) == (20, 600, "default")
    config = Config.from_env({**GOOD, "COLD_STARTS_PER_MINUTE": "0", "EGRESS": "10.0.0.1"})
    assert (config.cold_starts_per_minute, config.egress) == (0, "10.0.0.1")


@pytest.mark.parametrize(
    ("name", "value"),
    [("COLD_STARTS_PER_MINUTE", "-1"), ("COLD_STARTS_PER_HOUR", "many"), ("EGRESS", "a b"), ("EGRESS", "x" * 65)],
)
def test_a_malformed_pace_is_one_sentence(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: .*\\.$"):
        Config.from_env({**GOOD, name: value})
