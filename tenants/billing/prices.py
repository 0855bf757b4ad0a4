"""What plans cost, as whoever runs a deployment configures it."""

import re
from collections.abc import Mapping

from babel.numbers import format_currency, get_currency_precision

from tenants.billing.port import Prices
from tenants.plans import Plan

STARS = "xtr"
"""Telegram Stars, as the Bot API names their currency."""
_FORM = re.compile(r"(?P<plan>pro|business)=(?P<amounts>[a-z]{3}:\d{1,9}(?:,[a-z]{3}:\d{1,9})*)")


def read_prices(typed: str) -> Prices:
    """`pro=usd:1900,eur:1800 business=usd:9900`: a month's price by currency, in its smallest unit. Raises
    `ValueError`.
    """
    prices: dict[Plan, dict[str, int]] = {}
    for part in typed.lower().split():
        found = _FORM.fullmatch(part)
        if found is None:
            raise ValueError("must look like pro=usd:1900,eur:1800 business=usd:9900,eur:9500")
        pairs = (pair.split(":") for pair in found["amounts"].split(","))
        amounts = {currency: int(amount) for currency, amount in pairs}
        if not all(amounts.values()):
            raise ValueError("must be more than nothing")
        prices[Plan(found["plan"])] = amounts
    return prices


def without_stars(prices: Prices) -> Prices:
    """For a provider that takes money."""
    return {
        plan: kept
        for plan, amounts in prices.items()
        if (kept := {currency: amount for currency, amount in amounts.items() if currency != STARS})
    }


def only_stars(prices: Prices) -> Prices:
    return {plan: {STARS: amounts[STARS]} for plan, amounts in prices.items() if STARS in amounts}


def describe_price(amount: int, currency: str, language: str = "en") -> str:
    """As it is written in that language: $19.00, 19,00 €, 250 ⭐."""
    if currency == STARS:
        return f"{amount} ⭐"
    shift = 10 ** get_currency_precision(currency.upper())
    return format_currency(amount / shift, currency.upper(), locale=language)


def total(prices: Prices, plan: Plan, units: int, currency: str) -> int:
    amounts: Mapping[str, int] = prices.get(plan, {})
    return amounts[currency] * units
