"""What a worker makes of the application and the data centre that it is given."""

import subprocess
import sys
from pathlib import Path

import pytest

from tenants.config import Config, ConfigError
from worker.main import open_parallel

GOOD = {"DATABASE_URL": "postgresql://u@h/d", "REDIS_URL": "redis://h", "BACKLINE_KEYRING": "/k"}
APP = {"TELEGRAM_API_ID": "12345", "TELEGRAM_API_HASH": "0123456789abcdef" * 2}


def test_without_an_application_or_switched_off_there_is_none():
    assert open_parallel(Config.from_env(GOOD)) is None
    assert open_parallel(Config.from_env({**GOOD, **APP, "PARALLEL_MODE": "off"})) is None


def test_with_an_application_there_is_one():
    assert open_parallel(Config.from_env({**GOOD, **APP})) is not None


@pytest.mark.parametrize("content", [None, "", "-----BEGIN RSA PUBLIC KEY-----\nabc\n-----END RSA PUBLIC KEY-----\n"])
def test_a_key_that_is_none_is_a_sentence(tmp_path: Path, content: str | None):
    key = tmp_path / "dc.pem"
    if content is not None:
        key.write_text(content)
    config = Config.from_env({**GOOD, **APP, "TELEGRAM_DC": "127.0.0.1:8082", "TELEGRAM_DC_KEY": str(key)})
    with pytest.raises(ConfigError, match=r"^TELEGRAM_DC_KEY: must be the path of a file with an RSA public key"):
        open_parallel(config)


def test_a_worker_without_an_application_loads_no_telethon():
    program = "import sys, worker.main\nprint('telethon' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
