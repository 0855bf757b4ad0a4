"""Links to the pay page: nobody makes one up, and an old one opens nothing."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tenants.billing.links import LIVES, make_pay_link, read_pay_link
from tenants.crypto import Keyring
from tenants.errors import Invalid
from tenants.ids import TenantId, UserId

NOW = datetime(2030, 1, 1, tzinfo=UTC)
KEYRING = Keyring({1: b"k" * 32}, 1)
TENANT, OTHER = TenantId(uuid4()), TenantId(uuid4())
PERSON = UserId(77)


def test_a_link_says_who_may_pay_for_what_for_an_hour() -> None:
    link = make_pay_link(KEYRING, TENANT, PERSON, NOW)
    assert read_pay_link(KEYRING, link, NOW) == (TENANT, PERSON)
    assert read_pay_link(KEYRING, link, NOW + LIVES - timedelta(seconds=1)) == (TENANT, PERSON)
    with pytest.raises(Invalid, match="older than an hour"):
        read_pay_link(KEYRING, link, NOW + LIVES)


def test_every_changed_letter_opens_nothing() -> None:
    link = make_pay_link(KEYRING, TENANT, PERSON, NOW)
    for place in range(len(link) - 1):
        forged = link[:place] + ("A" if link[place] != "A" else "B") + link[place + 1 :]
        with pytest.raises(Invalid):
            read_pay_link(KEYRING, forged, NOW)


@pytest.mark.parametrize("link", ["", "x", "%%%", "A" * 21, "A" * 88, "ä" * 40, "=" * 9])
def test_what_never_was_a_link_opens_nothing(link: str) -> None:
    with pytest.raises(Invalid, match="not complete"):
        read_pay_link(KEYRING, link, NOW)


def test_a_link_of_one_connection_is_none_of_another() -> None:
    mine, theirs = (make_pay_link(KEYRING, tenant, PERSON, NOW) for tenant in (TENANT, OTHER))
    with pytest.raises(Invalid):
        read_pay_link(KEYRING, theirs[:22] + mine[22:], NOW)
    with pytest.raises(Invalid):
        read_pay_link(Keyring({1: b"z" * 32}, 1), mine, NOW)
