"""WEBHOOKS as people type it, signatures as Standard Webhooks has them, and addresses that are never reached."""

import json
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.errors import Invalid
from tenants.plans import Plan
from tenants.settings.catalog import get_entry
from tenants.settings.webhooks import ADDRESSES, EVENTS
from tenants.webhooks.addresses import may_reach
from tenants.webhooks.deliveries import pause_after
from tenants.webhooks.signing import headers, make_secret, sign

HOOK = "https://example.com/hook"
ODD = "https://example.com:8443/a?key=b"
HERE = "http://127.0.0.1:9000/hook"


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        (f'{{"{HOOK}": ["message_sent", "dialog_created"]}}', {HOOK: ["dialog_created", "message_sent"]}),
        ("{“https://example.com:8443/a?key=b”: [“dialog_closed”]}", {ODD: ["dialog_closed"]}),
        ('{"http://127.0.0.1:9000/hook": ["message_received"]}', {HERE: ["message_received"]}),
        ("off", {}),
        ("{}", {}),
    ],
)  # fmt: skip
def test_what_people_type_is_understood(typed, value):
    assert ADDRESSES.parse(typed) == value
    assert ADDRESSES.parse(ADDRESSES.show(value)) == value


def _to(*urls: str) -> str:
    return json.dumps({url: ["dialog_created"] for url in urls})


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("https://example.com/hook", "Send JSON"),
        ('["https://example.com/hook"]', "Send JSON"),
        ('{"https://example.com/hook": "dialog_created"}', "Send JSON"),
        ("[" * 20_000, "Send JSON"),
        (f'{{"{HOOK}": ["dialog_created"], "{HOOK}": ["dialog_closed"]}}', "every address once"),
        (f'{{"{HOOK}": []}}', "at least one event"),
        (f'{{"{HOOK}": ["dialog_eaten"]}}', "“dialog_eaten” is no event"),
        (f'{{"{HOOK}": [1]}}', "“1” is no event"),
        (_to("http://example.com/hook"), "https://"),
        (_to("ftp://example.com/hook"), "https://"),
        (_to("example.com/hook"), "https://"),
        (_to("https:///hook"), "https://"),
        (_to("https://example.com:99999/hook"), "https://"),
        (_to("https://exam ple.com/hook"), "https://"),
        (_to("https://example.com/ho\nok"), "https://"),
        (_to("https://[::1/hook"), "https://"),
        (_to("https://user:word@example.com/hook"), "without a name and password"),
        (_to("https://@example.com/hook"), "without a name and password"),
        (_to("https://example.com/" + "a" * 500), "at most 500 characters"),
        (_to(*(f"https://example.com/{n}" for n in range(11))), "at most 10 addresses"),
        (_to("https://10.0.0.1/hook"), "public internet"),
        (_to("https://169.254.169.254/latest/meta-data"), "public internet"),
        (_to("https://[fd00::1]/hook"), "public internet"),
        (_to("https://[::ffff:10.0.0.1]/hook"), "public internet"),
        (_to("https://metadata.google.internal/"), "public internet"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(typed, says):
    with pytest.raises(Invalid, match=says) as refused:
        ADDRESSES.parse(typed)
    assert refused.value.text.endswith(".")
    assert "word" not in refused.value.text.replace("password", "")


@pytest.mark.parametrize(
    "value",
    [
        {HOOK: ["dialog_eaten"]},
        {HOOK: []},
        {"http://example.com/hook": ["dialog_created"]},
        {"https://user:word@example.com": ["dialog_created"]},
        {"https://192.168.1.1": ["dialog_created"]},
        {HOOK: "dialog_created"},
    ],
)
def test_the_api_refuses_the_same(value):
    with pytest.raises(Invalid) as refused:
        get_entry("WEBHOOKS").check(value, Plan.BUSINESS)
    assert "user" not in refused.value.text


@pytest.mark.parametrize(
    "url", ["http://localhost/a", "http://127.0.0.1:1/a", "https://[::1]/a", "https://127.9.9.9/a"]
)
def test_this_machine_is_for_deployments_that_are_tried(url):
    with pytest.raises(Invalid, match="public internet"):
        ADDRESSES.require_public({HOOK: ["dialog_created"], url: ["dialog_created"]})
    ADDRESSES.require_public({HOOK: ["dialog_created"]})


@given(typed=st.text(max_size=60) | st.dictionaries(st.text(max_size=40), st.lists(st.sampled_from(EVENTS))).map(str))
def test_whatever_is_typed_is_a_value_or_a_sentence(typed):
    try:
        value = ADDRESSES.parse(typed)
    except Invalid:
        return
    assert ADDRESSES.parse(ADDRESSES.show(value)) == value


def test_no_address_is_kept_in_the_audit_log():
    assert not ADDRESSES.is_audited


def test_the_signature_is_that_of_the_standard():
    """The example of the reference libraries (github.com/standard-webhooks/standard-webhooks)."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == signature
    assert headers([secret, secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": f"{signature} {signature}",
    }


def test_a_signature_is_of_this_secret_id_time_and_body():
    secret = make_secret()
    signed = [
        sign(secret, "a", 1, b"{}"),
        sign(make_secret(), "a", 1, b"{}"),
        sign(secret, "b", 1, b"{}"),
        sign(secret, "a", 2, b"{}"),
        sign(secret, "a", 1, b"[]"),
    ]
    assert len({*signed}) == len(signed)


PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "100::1",
    "2001:db8::1",
    "2001:0:5ef5:79fd:0:0:f5ff:fffe",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "93.184.216.34",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
]
LOOPBACK = {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "2002:7f00:1::"}


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_network_is_reached(address):
    assert not may_reach(address, loopback=False)
    assert may_reach(address, loopback=True) is (address in LOOPBACK)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_reached(address):
    assert may_reach(address, loopback=False)


@given(st.integers(0, 2**32 - 1))
def test_a_mapped_address_is_judged_as_the_one_it_means(number):
    plain = socket.inet_ntoa(number.to_bytes(4, "big"))
    assert may_reach(f"::ffff:{plain}", loopback=False) is may_reach(plain, loopback=False)


def test_the_pauses_fill_a_day_with_a_dozen_attempts():
    total, attempts = 0.0, 0
    while total < 24 * 3600:
        attempts += 1
        total += pause_after(attempts)
    assert pause_after(1) <= 5
    assert 10 < attempts < 20
