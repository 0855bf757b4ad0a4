"""Invented cards, by number, and what a bank says to each charge (as docs.stripe.com/testing has them, mostly)."""

from dataclasses import dataclass
from typing import Literal

from sandbox.stripe.account import Thing

WORKS = "4242424242424242"
DECLINED = "4000000000000002"
FAILS_LATER = "4000000000000341"
AUTHENTICATES = "4000002760003184"
AUTHENTICATES_ONCE = "4000002500003155"
POOR = "4000000000009995"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a bank says: `asks` is for the cardholder to authenticate."""

    kind: Literal["pays", "declines", "asks"]
    decline_code: str = ""
    message: str = ""
    code: str = "card_declined"


@dataclass(frozen=True, slots=True)
class Card:
    number: str
    title: str
    """For the pages, in one line."""
    token: str
    """The payment method of that name stands for such a card."""
    present: Verdict
    """When whoever owns it is there to pay."""
    absent: Verdict
    """When a renewal or a change charges it."""


_PAYS = Verdict("pays")
_ASKS = Verdict("asks")
_DECLINES = Verdict("declines", "generic_decline", "Your card was declined.")
_POOR = Verdict("declines", "insufficient_funds", "Your card has insufficient funds.")
CARDS = {
    card.number: card
    for card in (
        Card(WORKS, "always pays", "pm_card_visa", _PAYS, _PAYS),
        Card(DECLINED, "is always declined", "pm_card_chargeDeclined", _DECLINES, _DECLINES),
        Card(POOR, "never has enough money", "pm_card_chargeDeclinedInsufficientFunds", _POOR, _POOR),
        Card(FAILS_LATER, "pays now, fails at each renewal", "pm_card_chargeCustomerFail", _PAYS, _DECLINES),
        Card(AUTHENTICATES, "asks its owner each time", "pm_card_authenticationRequired", _ASKS, _ASKS),
        Card(AUTHENTICATES_ONCE, "asks its owner once", "pm_card_authenticationRequiredOnSetup", _ASKS, _PAYS),
    )
}
BY_TOKEN = {card.token: card for card in CARDS.values()}


def verdict(method: Thing, *, present: bool, authenticated: bool = False) -> Verdict:
    """`method` is a payment method; one that was made to fail declines whatever it was."""
    if method.get("_fails"):
        return Verdict("declines", method["_fails"], "Your card was declined.")
    card = CARDS[method["_number"]]
    said = card.present if present else card.absent
    return _PAYS if said.kind == "asks" and authenticated else said
