"""Products and prices: what is sold, and for how much in which currency."""

from sandbox.stripe.account import Account, Thing
from sandbox.stripe.params import Params, merged
from sandbox.stripe.refusals import Refusal, malformed
from sandbox.stripe.routes import Route, created_between, getting, listing, matching

_INTERVALS = ("day", "week", "month", "year")


def routes() -> list[Route]:
    return [
        Route("POST", "/v1/products", create_product),
        listing("/v1/products", list_products),
        getting("/v1/products/{id}", "product"),
        Route("POST", "/v1/products/{id}", update_product),
        Route("DELETE", "/v1/products/{id}", delete_product),
        Route("POST", "/v1/prices", create_price),
        listing("/v1/prices", list_prices),
        getting("/v1/prices/{id}", "price"),
        Route("POST", "/v1/prices/{id}", update_price),
    ]


def create_product(account: Account, params: Params) -> Thing:
    identity = params.text("id")
    active = params.flag("active")
    made = {
        "id": identity or account.new_id("prod"),
        "object": "product",
        "active": active is not False,
        "created": account.now(),
        "default_price": None,
        "description": params.text("description"),
        "images": params.texts("images"),
        "livemode": False,
        "marketing_features": [],
        "metadata": merged({}, params.metadata()),
        "name": params.need("name"),
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": params.text("statement_descriptor"),
        "tax_code": params.text("tax_code"),
        "type": "service",
        "unit_label": params.text("unit_label"),
        "updated": account.now(),
        "url": params.text("url"),
    }
    params.done()
    if account.find("product", identity):
        raise Refusal("Product already exists.", code="resource_already_exists", param="id")
    account.add(made)
    account.emit("product.created", made)
    return made


def update_product(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    product = account.get("product", id)
    given = {name: params.text(name) for name in ("name", "description", "unit_label") if params.has(name)}
    active, price = params.flag("active"), params.text("default_price")
    metadata = merged(product["metadata"], params.metadata(), cleared=params.clears("metadata"))
    params.done()
    with account.changing("product.updated", product):
        product.update(given, metadata=metadata, updated=account.now())
        if active is not None:
            product["active"] = active
        if price is not None:
            product["default_price"] = account.get("price", price, "default_price")["id"]
    return product


def delete_product(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    product = account.get("product", id)
    params.done()
    if matching(account.newest("price"), product=id):
        raise Refusal("This product cannot be deleted because it has one or more user-created prices.")
    account.emit("product.deleted", product)
    return account.remove(product)


def list_products(account: Account, params: Params) -> list[Thing]:
    wanted = params.texts("ids")
    found = matching(account.newest("product"), active=params.flag("active"))
    return [thing for thing in created_between(found, params) if not wanted or thing["id"] in wanted]


def create_price(account: Account, params: Params) -> Thing:
    currency, amount = params.need("currency").lower(), params.integer("unit_amount")
    recurring, key = _recurring(params), params.text("lookup_key")
    transfer, active = params.flag("transfer_lookup_key"), params.flag("active")
    options = _currency_options(params)
    product = account.get("product", params.need("product"), "product")
    if amount is None:
        raise malformed("Missing required param: unit_amount.", "unit_amount", "parameter_missing")
    options[currency] = _option(amount)
    price = {
        "id": account.new_id("price"),
        "object": "price",
        "active": active is not False,
        "billing_scheme": "per_unit",
        "created": account.now(),
        "currency": currency,
        "_currency_options": options,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": key,
        "metadata": merged({}, params.metadata()),
        "nickname": params.text("nickname"),
        "product": product["id"],
        "recurring": recurring,
        "tax_behavior": params.choice("tax_behavior", ("exclusive", "inclusive", "unspecified"), "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }
    params.done()
    _take_lookup_key(account, key, price["id"], transfer=bool(transfer))
    account.add(price)
    account.emit("price.created", price)
    return price


def update_price(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    price = account.get("price", id)
    given = {name: params.text(name) for name in ("nickname", "lookup_key") if params.has(name)}
    transfer, active = params.flag("transfer_lookup_key"), params.flag("active")
    metadata = merged(price["metadata"], params.metadata(), cleared=params.clears("metadata"))
    options = _currency_options(params)
    params.done()
    _take_lookup_key(account, given.get("lookup_key"), id, transfer=bool(transfer))
    with account.changing("price.updated", price):
        price.update(given, metadata=metadata)
        price["_currency_options"].update(options)
        if active is not None:
            price["active"] = active
    return price


def list_prices(account: Account, params: Params) -> list[Thing]:
    keys = params.texts("lookup_keys")
    recurring = params.inner("recurring")
    interval = recurring.choice("interval", _INTERVALS) if recurring else None
    found = matching(
        account.newest("price"),
        active=params.flag("active"),
        currency=params.text("currency"),
        product=params.text("product"),
        type=params.choice("type", ("one_time", "recurring")),
    )
    return [
        price
        for price in created_between(found, params)
        if (not keys or price["lookup_key"] in keys)
        and (interval is None or (price["recurring"] or {}).get("interval") == interval)
    ]


def unit_amount(price: Thing, currency: str, param: str = "currency") -> int:
    """Of one, in the currency's smallest unit."""
    option = price["_currency_options"].get(currency)
    if option is None:
        raise Refusal(
            f"The price specified only supports `{price['currency']}`. This doesn't match the expected currency: "
            f"`{currency}`.",
            param=param,
        )
    return int(option["unit_amount"])


def plan_of(price: Thing) -> Thing:
    """The same price in the shape that subscription items still carry."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def _recurring(params: Params) -> Thing | None:
    asked = params.inner("recurring")
    if asked is None:
        return None
    asked.choice("usage_type", ("licensed",))
    interval = asked.need("interval")
    asked.choice("interval", _INTERVALS)
    return {
        "interval": interval,
        "interval_count": asked.integer("interval_count", 1) or 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def _currency_options(params: Params) -> dict[str, Thing]:
    asked = params.inner("currency_options")
    found: dict[str, Thing] = {}
    for currency in asked.names() if asked else []:
        inside = asked.inner(currency) if asked else None
        amount = inside.integer("unit_amount") if inside else None
        if inside:
            inside.ignore("tax_behavior")
        if amount is not None:
            found[currency.lower()] = _option(amount)
    return found


def _option(amount: int) -> Thing:
    return {
        "custom_unit_amount": None,
        "tax_behavior": "unspecified",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def _take_lookup_key(account: Account, key: str | None, identity: str, *, transfer: bool) -> None:
    holders = [p for p in account.newest("price") if key and p["lookup_key"] == key and p["id"] != identity]
    for holder in holders:
        if not transfer:
            raise Refusal(
                f"A price (`{holder['id']}`) already uses that lookup key.",
                code="resource_already_exists",
                param="lookup_key",
            )
        with account.changing("price.updated", holder):
            holder["lookup_key"] = None
