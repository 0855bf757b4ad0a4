"""Poisoned objects: whatever way a secret takes into a log line, it does not come out."""

import json
import logging

import pytest
import structlog

TOKEN = "123456789:AAHsecretsecretsecretsecretsecret_-x"
KEY = "bl_keykeykeykeykeykeykeykeykeykeykeykeykeykey"
PASSWORD = "passw0rd"
SECRETS = (TOKEN.partition(":")[2], KEY.removeprefix("bl_"), PASSWORD)
BOTH = pytest.mark.parametrize("log_format", ["json", "console"])


class Poisoned:
    def __repr__(self) -> str:
        return f"<Poisoned {TOKEN} {KEY}>"


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError(TOKEN)


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]):
    def read() -> str:
        out, err = capsys.readouterr()
        assert out == ""
        assert not [secret for secret in SECRETS if secret in err], err
        return err

    return read


WAYS_IN = {
    "event": lambda log: log.warning(TOKEN),
    "value": lambda log: log.warning("called", url=f"https://api.telegram.org/bot{TOKEN}/getMe"),
    "malformed token in a path": lambda log: log.warning("called", url=f"http://localhost/bot5:{PASSWORD}/getMe"),
    "encoded address": lambda log: log.warning("called", url=f"/bot{TOKEN.replace(':', '%3A')}/getMe"),
    "key": lambda log: log.warning("called", headers={"authorization": f"Bearer {KEY}"}),
    "address with a password": lambda log: log.warning("connected", to=f"postgresql://me:{PASSWORD}@db:5432/x"),
    "name of a value": lambda log: log.warning("called", **{TOKEN: 1}),
    "bytes": lambda log: log.warning("called", raw=TOKEN.encode()),
    "object": lambda log: log.warning("called", given=Poisoned()),
    "nested": lambda log: log.warning("called", given={"list": [{"deep": Poisoned()}]}),
    "context": lambda log: log.bind(of=TOKEN).warning("called"),
}


@BOTH
@pytest.mark.parametrize("log_it", WAYS_IN.values(), ids=WAYS_IN)
def test_a_secret_does_not_come_out_of_our_own_lines(configure, written, log_format, log_it):
    configure(log_format)
    log_it(structlog.get_logger("ours"))
    assert "***" in written()


@BOTH
def test_a_secret_does_not_come_out_of_a_librarys_lines(configure, written, log_format):
    configure(log_format)
    logging.getLogger("aiohttp.client").warning("refused: %s", Poisoned(), extra={"url": TOKEN})
    assert "***" in written()


def _refuse() -> None:
    raise OSError(f"Cannot connect to /bot{TOKEN}/getMe")


def _fail() -> None:
    try:
        _refuse()
    except OSError as error:
        raise RuntimeError(Poisoned(), f"redis://:{PASSWORD}@cache") from error


@BOTH
@pytest.mark.parametrize("logger", [structlog.get_logger("ours"), logging.getLogger("theirs")])
def test_a_secret_does_not_come_out_of_a_chain_of_exceptions(configure, written, log_format, logger):
    configure(log_format)
    try:
        _fail()
    except RuntimeError:
        logger.exception("failed")
    text = written()
    assert "OSError" in text
    assert "RuntimeError" in text
    assert "***" in text


@BOTH
def test_a_line_that_can_not_be_written_costs_neither_the_process_nor_the_secret(configure, written, log_format):
    configure(log_format)
    structlog.get_logger("ours").warning("called", given=Unshowable())
    logging.getLogger("theirs").warning("called %s", Unshowable())
    assert written()


def test_in_production_every_line_is_json_with_its_level_logger_and_time(configure, written):
    configure("json")
    structlog.get_logger("ours").info("relay.delivered", rows=3)
    logging.getLogger("theirs").error("oh %s", "no")
    ours, theirs = map(json.loads, written().splitlines())
    assert ours.pop("timestamp").endswith("Z")
    assert ours == {"event": "relay.delivered", "level": "info", "logger": "ours", "rows": 3}
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("oh no", "error", "theirs")


def test_in_development_lines_are_for_people(configure, written):
    configure("console")
    structlog.get_logger("ours").info("relay.delivered", rows=3)
    assert "relay.delivered" in (text := written())
    assert "rows=3" in text
    assert not text.startswith("{")


@pytest.mark.parametrize("name", ["aiogram.event", "aiohttp.access", "uvicorn.access", "alembic.runtime"])
def test_libraries_speak_up_in_case_of_trouble_only(configure, written, name, monkeypatch):
    monkeypatch.setattr(logging.getLogger(name), "propagate", True)  # a server that ran here may have ended that
    configure("json")
    logging.getLogger(name).info("a request")
    assert written() == ""
    logging.getLogger(name).warning("trouble")
    assert "trouble" in written()


def test_debugging_lines_of_ours_are_not_written(configure, written):
    configure("json")
    structlog.get_logger("ours").debug("called")
    assert written() == ""


def test_context_bound_at_the_edge_is_in_every_line(configure, written):
    configure("json")
    with structlog.contextvars.bound_contextvars(tenant="a"):
        logging.getLogger("theirs").warning("trouble")
    assert json.loads(written())["tenant"] == "a"


def test_configuring_twice_writes_every_line_once(configure, written):
    configure("json")
    configure("json")
    structlog.get_logger("ours").info("called")
    assert len(written().splitlines()) == 1
