"""The configuration: what is read, and the one sentence for what can't be."""

import pytest

from tenants.config import Config, ConfigError
from tenants.plans import Plan

SECRET = "s3cretpassw0rd"
GOOD = {
    "DATABASE_URL": f"postgresql://user:{SECRET}@db:5432/backline",
    "REDIS_URL": f"redis://:{SECRET}@cache:6379/0",
    "BACKLINE_KEYRING": "/etc/backline/keyring.json",
}


def test_three_variables_are_enough():
    config = Config.from_env(GOOD)
    assert config.database_url.get_secret_value() == GOOD["DATABASE_URL"]
    assert config.telegram_api_root == "https://api.telegram.org"
    assert (config.api_host, config.api_port) == ("127.0.0.1", 8080)
    assert config.setup_bot_token is None
    assert config.starting_plan is Plan.BUSINESS
    assert config.log_format == "json"


def test_variables_that_are_not_ours_are_left_alone():
    assert Config.from_env({**GOOD, "HOME": "/", "PATH": "x"}) == Config.from_env(GOOD)


def test_an_empty_variable_is_as_good_as_none():
    assert Config.from_env({**GOOD, "API_PORT": " "}).api_port == 8080


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_variable_is_named(name):
    given = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(ConfigError, match=f"^{name} is not set\\.$"):
        Config.from_env(given)


MALFORMED = [
    ("DATABASE_URL", f"mysql://user:{SECRET}@db/backline"),
    ("DATABASE_URL", f"postgresql://user:{SECRET}@db"),
    ("DATABASE_URL", f"postgresql://user:{SECRET}@db/"),
    ("DATABASE_URL", f"user:{SECRET}"),
    ("DATABASE_URL", f"postgresql://user:{SECRET}#more@db/backline"),
    ("DATABASE_URL", f"postgresql://user:{SECRET}@db:port/backline"),
    ("DATABASE_URL", f"postgresql://user:{SECRET}@db:99999/backline"),
    ("DATABASE_URL", f"postgresql://user:{SECRET}℀@db/backline"),
    ("DATABASE_URL", f"postgresql://user:{SECRET}@[::1/backline"),
    ("REDIS_URL", f"http://:{SECRET}@cache"),
    ("REDIS_URL", SECRET),
    ("REDIS_URL", f"redis://:{SECRET}@cache:port/0"),
    ("REDIS_URL", f"redis://:{SECRET}℀@cache/0"),
    ("TELEGRAM_API_ROOT", "api.telegram.org"),
    ("TELEGRAM_API_ROOT", "https://"),
    ("TELEGRAM_API_ROOT", "https://:80"),
    ("TELEGRAM_API_ROOT", f"https://user:{SECRET}@api.telegram.org"),
    ("TELEGRAM_API_ROOT", f"https://user:{SECRET}℀@api.telegram.org"),
    ("BRAND_LINK", "ftp://backline.example"),
    ("API_PORT", "eighty"),
    ("API_PORT", "-1"),
    ("API_PORT", "65536"),
    ("DEFAULT_PLAN", "gold"),
    ("GROUP_SENDS_PER_MINUTE", "0"),
    ("GROUP_SENDS_PER_MINUTE", "many"),
    ("LOG_FORMAT", "xml"),
    ("TELEGRAM_API_ID", "x"),
    ("TELEGRAM_API_ID", "0"),
    ("TELEGRAM_API_HASH", SECRET),
    ("TELEGRAM_DC", "127.0.0.1"),
    ("TELEGRAM_DC", "127.0.0.1:0"),
    ("TELEGRAM_DC", ":8082"),
    ("PARALLEL_MODE", "perhaps"),
]


@pytest.mark.parametrize(("name", "value"), MALFORMED, ids=[f"{name}={value}" for name, value in MALFORMED])
def test_a_malformed_variable_is_one_sentence_that_names_it_and_keeps_its_secret(name, value):
    with pytest.raises(ConfigError) as refused:
        Config.from_env({**GOOD, name: value})
    sentence = str(refused.value)
    assert sentence.startswith(f"{name}: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert SECRET not in sentence


HASH = "0123456789abcdef0123456789ABCDEF"
APP = {"TELEGRAM_API_ID": "12345", "TELEGRAM_API_HASH": HASH}
CENTRE = {"TELEGRAM_DC": "127.0.0.1:8082", "TELEGRAM_DC_KEY": "/etc/backline/dc.pem"}


def test_with_an_application_parallel_mode_is_offered_and_off_takes_it_back():
    assert not Config.from_env(GOOD).offers_parallel
    config = Config.from_env({**GOOD, **APP, **CENTRE})
    assert config.offers_parallel
    assert config.telegram_api_id == 12345
    assert config.telegram_dc == "127.0.0.1:8082"
    assert HASH not in f"{config!r} {config.model_dump_json()}"
    for word, offers in (("off", False), ("FALSE", False), ("on", True), ("True", True), (" ", True)):
        assert Config.from_env({**GOOD, **APP, "PARALLEL_MODE": word}).offers_parallel is offers


@pytest.mark.parametrize("pair", [APP, CENTRE], ids=["application", "data centre"])
def test_what_belongs_together_is_set_together(pair):
    for name, other in (tuple(pair), tuple(pair)[::-1]):
        with pytest.raises(ConfigError) as refused:
            Config.from_env({**GOOD, name: pair[name]})
        assert str(refused.value) == f"{name} is set, but {other} is not: set both, or none."


def test_a_malformed_hash_is_not_shown():
    with pytest.raises(ConfigError, match=r"^TELEGRAM_API_HASH: must be the 32 letters and digits"):
        Config.from_env({**GOOD, **APP, "TELEGRAM_API_HASH": HASH[1:]})


def test_a_malformed_switch_says_what_it_may_be():
    with pytest.raises(ConfigError, match=r"^PARALLEL_MODE: must be on or off\.$"):
        Config.from_env({**GOOD, "PARALLEL_MODE": "perhaps"})


def test_of_several_malformed_variables_one_is_told():
    with pytest.raises(ConfigError) as refused:
        Config.from_env({**GOOD, "API_PORT": "x", "LOG_FORMAT": "x"})
    assert str(refused.value).count(": ") == 1


def test_no_secret_is_in_a_repr_or_in_a_dump():
    config = Config.from_env({**GOOD, "SETUP_BOT_TOKEN": SECRET})
    assert SECRET not in f"{config!r} {config} {config.model_dump()} {config.model_dump_json()}"


def test_a_trailing_slash_of_an_address_does_not_matter():
    assert Config.from_env({**GOOD, "TELEGRAM_API_ROOT": "http://localhost:8081/"}).telegram_api_root.endswith("8081")
