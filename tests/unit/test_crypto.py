"""Secrets at rest: what opens, what does not, and what the keyring file looks like."""

import json
import stat
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.config import ConfigError
from tenants.crypto import Keyring, generate_keyring, load_keyring
from tenants.ids import TenantId, new_id

MINE, OTHER = TenantId(new_id()), TenantId(new_id())
OLD, NEW = b"o" * 32, b"n" * 32
KEYRING = Keyring({1: OLD}, current=1)


@given(st.binary(max_size=200))
def test_what_is_sealed_opens_again(plain):
    assert KEYRING.decrypt(MINE, "column", KEYRING.encrypt(MINE, "column", plain)) == plain


def test_the_same_text_is_never_sealed_alike():
    assert KEYRING.encrypt(MINE, "column", b"x") != KEYRING.encrypt(MINE, "column", b"x")


def test_a_sealed_text_does_not_show_what_it_holds():
    assert b"a secret" not in KEYRING.encrypt(MINE, "column", b"a secret")


@pytest.mark.parametrize(("tenant", "column"), [(OTHER, "column"), (MINE, "another")])
def test_a_text_moved_to_another_tenant_or_column_does_not_open(tenant, column):
    sealed = KEYRING.encrypt(MINE, "column", b"x")
    with pytest.raises(ConfigError, match="does not open"):
        KEYRING.decrypt(tenant, column, sealed)


@given(st.data())
def test_a_changed_text_does_not_open(data):
    sealed = bytearray(KEYRING.encrypt(MINE, "column", b"a secret"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ConfigError):
        KEYRING.decrypt(MINE, "column", bytes(sealed))


@given(st.integers(0, 37))
def test_a_text_cut_short_does_not_open(length):
    with pytest.raises(ConfigError):
        KEYRING.decrypt(MINE, "column", KEYRING.encrypt(MINE, "column", b"a secret")[:length])


def test_after_a_rotation_old_texts_open_and_new_ones_need_the_new_key():
    old_text = KEYRING.encrypt(MINE, "column", b"old")
    rotated = Keyring({1: OLD, 2: NEW}, current=2)
    new_text = rotated.encrypt(MINE, "column", b"new")
    assert rotated.decrypt(MINE, "column", old_text) == b"old"
    assert rotated.decrypt(MINE, "column", new_text) == b"new"
    with pytest.raises(ConfigError, match="no key of version 2"):
        KEYRING.decrypt(MINE, "column", new_text)


def test_a_key_of_the_right_version_and_the_wrong_value_does_not_open():
    with pytest.raises(ConfigError, match="does not open"):
        Keyring({1: NEW}, current=1).decrypt(MINE, "column", KEYRING.encrypt(MINE, "column", b"x"))


def test_a_keyring_shows_its_versions_and_not_its_keys():
    shown = repr(Keyring({1: OLD, 2: NEW}, current=2))
    assert shown == "Keyring(versions=[1, 2], current=2)"


def test_a_new_keyring_is_for_its_owner_only(tmp_path: Path):
    path = tmp_path / "keyring.json"
    generate_keyring(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_new_keyrings_differ_and_each_opens_its_own(tmp_path: Path):
    for name in ("a", "b"):
        generate_keyring(tmp_path / name)
    first, second = load_keyring(tmp_path / "a"), load_keyring(tmp_path / "b")
    sealed = first.encrypt(MINE, "column", b"x")
    assert load_keyring(tmp_path / "a").decrypt(MINE, "column", sealed) == b"x"
    with pytest.raises(ConfigError):
        second.decrypt(MINE, "column", sealed)


def test_a_keyring_is_never_overwritten(tmp_path: Path):
    path = tmp_path / "keyring.json"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        generate_keyring(path)
    assert path.read_text() == "precious"


def _keyring(current: object, **keys: object) -> str:
    return json.dumps({"current": current, "keys": keys})


GOOD = b64encode(NEW).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        _keyring(1),
        _keyring(2, **{"1": GOOD}),
        _keyring("one", **{"1": GOOD}),
        _keyring(1, one=GOOD),
        _keyring(1, **{"1": "not base64!"}),
        _keyring(1, **{"1": 7}),
        _keyring(1, **{"1": b64encode(b"short").decode()}),
        _keyring(1, **{"1": GOOD, "2": ""}),
        "\xff",
    ],
)
def test_a_file_that_is_no_keyring_is_one_sentence_that_names_the_file_and_no_key(tmp_path: Path, text: str):
    path = tmp_path / "keyring.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError) as refused:
        load_keyring(path)
    assert str(path) in str(refused.value)
    assert GOOD not in str(refused.value)
    assert str(refused.value).endswith(".")


def test_a_missing_keyring_is_one_sentence(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"can't be read: No such file or directory\.$"):
        load_keyring(tmp_path / "none.json")
