"""Everything that a test or a person may do to this Stripe, over HTTP, for programs in other processes."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.guard import Handler
from sandbox.stripe.account import Thing, shown
from sandbox.stripe.cards import WORKS
from sandbox.stripe.deliveries import WebhookFaults
from sandbox.stripe.refusals import Refusal
from sandbox.stripe.trouble import Trouble

if TYPE_CHECKING:
    from sandbox.stripe.server import FakeStripe

Act = Callable[[Thing, str], Any]
_HIDDEN = ("idempotency_key", "event")


def routes(fake: "FakeStripe") -> list[web.RouteDef]:
    """Each takes a JSON object and answers with one; what is refused is a 400 in Stripe's shape."""
    acts, webhooks = fake.acts, fake.webhooks
    posts: dict[str, Act] = {
        "clock/advance": lambda given, _: {"now": acts.advance(timedelta(**given))},
        "settings": lambda given, _: asdict(acts.change_settings(**given)),
        "checkout/{id}/pay": lambda given, of: asdict(
            acts.pay(of, given.get("card", WORKS), given.get("email", "ann@example.com"))
        ),
        "invoices/{id}/pay": lambda given, of: asdict(acts.pay_invoice(of, given.get("card"))),
        "customers/{id}/fail_card": lambda given, of: acts.fail_card(of, given.get("code", "generic_decline")),
        "customers/{id}/mend_card": lambda _, of: acts.fail_card(of, None),
        "customers/{id}/delete": lambda _, of: acts.delete_customer(of),
        "charges/{id}/dispute": lambda given, of: acts.dispute(of, given.get("reason", "fraudulent")),
        "charges/{id}/refund": lambda given, of: acts.refund(of, given.get("amount")),
        "disputes/{id}/close": lambda given, of: acts.close_dispute(of, won=given.get("status") == "won"),
        "events": lambda given, _: acts.emit(given["type"], given.get("object")),
        "troubles": lambda given, _: _trouble(fake, given),
        "troubles/clear": lambda _, __: fake.troubles.clear(),
        "refuse": lambda given, _: fake.later(float(given.get("seconds", 1))),
        "webhooks/faults": lambda given, _: webhooks.set_faults(**given),
        "webhooks/clear": lambda _, __: webhooks.clear_faults(),
        "webhooks/release": lambda _, __: webhooks.release(),
        "webhooks/endpoints": lambda given, _: fake.add_endpoint(given["url"], secret=given.get("secret")),
    }
    made = [web.post(f"/_control/{path}", _handler(act)) for path, act in posts.items()]
    return [*made, web.get("/_control/state", _state(fake))]


def _trouble(fake: "FakeStripe", given: Thing) -> Thing:
    return asdict(fake.troubles.add(Trouble(**given)))


def _handler(act: Act) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            given = await request.json() if request.can_read_body else {}
            done = act(given, request.match_info.get("id", ""))
        except Refusal as refusal:
            return web.json_response(refusal.body("control"), status=refusal.status)
        except (TypeError, KeyError, ValueError) as error:
            return web.json_response({"error": {"message": f"This is not how it is asked: {error}"}}, status=400)
        return web.json_response(shown(done) if isinstance(done, dict) else {})

    return handle


def _state(fake: "FakeStripe") -> Handler:
    """All there is, newest first."""

    async def handle(_: web.Request) -> web.Response:
        account = fake.account
        faults: WebhookFaults = fake.webhooks.faults
        state = {
            "now": account.now(),
            "settings": asdict(account.settings),
            "things": {kind: shown(account.newest(kind)) for kind in account.things if kind not in _HIDDEN},
            "events": shown(account.newest("event")),
            "outstanding": fake.webhooks.outstanding,
            "webhook_faults": asdict(faults),
            "troubles": [asdict(trouble) for trouble in fake.troubles],
            "requests": [asdict(asked) for asked in fake.troubles.journal],
        }
        return web.json_response(state, dumps=lambda value: json.dumps(value, ensure_ascii=False))

    return handle
