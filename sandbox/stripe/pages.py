"""The pages of this Stripe: where somebody pays, authenticates a card, and looks after a subscription."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from aiohttp import web

from sandbox.stripe import checkout, invoices, portal
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.acts import Acts
from sandbox.stripe.cards import Verdict
from sandbox.stripe.page_view import (
    asking_page,
    checkout_page,
    invoice_page,
    message_page,
    overview_page,
    portal_page,
)
from sandbox.stripe.refusals import Refusal

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_FAILED_TO_ASK = "You did not confirm this payment. Pay again, or use another card."


class Pages:
    def __init__(self, account: Account, acts: Acts) -> None:
        self._account = account
        self._acts = acts

    def routes(self) -> list[web.RouteDef]:
        shown = {
            "/": self._overview,
            "/pay/{id}": self._checkout,
            "/portal/{id}": self._portal,
            "/invoice/{id}": self._invoice,
            "/authenticate/{id}": self._authenticate,
        }
        sent = {
            "/pay/{id}": self._pay,
            "/portal/{id}/card": self._card,
            "/portal/{id}/end": self._end,
            "/invoice/{id}": self._pay_invoice,
            "/time": self._pass_time,
            "/cards/{id}": self._switch_card,
        }
        return [
            *(web.get(path, self._answer(handler)) for path, handler in shown.items()),
            *(web.post(path, self._answer(handler)) for path, handler in sent.items()),
        ]

    def _answer(self, handler: Answer) -> Answer:
        async def answer(request: web.Request) -> web.StreamResponse:
            self._acts.catch_up()
            try:
                return await handler(request)
            except Refusal as refusal:
                status = 404 if refusal.status == 404 else 200  # noqa: PLR2004  # a page says it, the browser need not
                return _page(message_page(str(refusal)), status)

        return answer

    async def _overview(self, _: web.Request) -> web.Response:
        return _page(overview_page(self._account))

    async def _pass_time(self, request: web.Request) -> web.StreamResponse:
        days = str((await request.post()).get("days", ""))
        if days not in {"1", "31"}:
            raise Refusal("Let a day or a month pass.")
        self._acts.advance(timedelta(days=int(days)))
        raise web.HTTPSeeOther("/")

    async def _switch_card(self, request: web.Request) -> web.StreamResponse:
        declines = (await request.post()).get("card") == "declines"
        self._acts.fail_card(request.match_info["id"], "generic_decline" if declines else None)
        raise web.HTTPSeeOther("/")

    async def _checkout(self, request: web.Request) -> web.StreamResponse:
        session = self._account.get("checkout.session", request.match_info["id"])
        if session["status"] == "complete":
            raise web.HTTPSeeOther(_success(session))
        return self._checkout_page(session)

    def _checkout_page(self, session: Thing, trouble: str = "", email: str = "") -> web.Response:
        if session["status"] != "open":
            return _page(message_page("This page has expired. Go back and begin again.", session["cancel_url"]))
        return _page(checkout_page(session, checkout.lines_of(self._account, session), trouble, email))

    async def _pay(self, request: web.Request) -> web.StreamResponse:
        session = self._account.get("checkout.session", request.match_info["id"])
        form = {name: str(value) for name, value in (await request.post()).items()}
        number, answer, email = form.get("number", "").replace(" ", ""), form.get("answer"), form.get("email", "")
        if answer == "no":
            return self._checkout_page(session, _FAILED_TO_ASK, email)
        try:
            said = checkout.pay(self._account, session, number, email or None, authenticated=answer == "yes")
        except Refusal as refusal:
            return self._checkout_page(session, str(refusal), email)
        if said.kind == "asks":
            return _ask(request, form)
        if said.kind == "declines":
            return self._checkout_page(session, f"{said.message} Try another card.", email)
        raise web.HTTPSeeOther(_success(session))

    async def _portal(self, request: web.Request) -> web.Response:
        return self._portal_page(self._account.get("billing_portal.session", request.match_info["id"]))

    def _portal_page(self, session: Thing, trouble: str = "") -> web.Response:
        account = self._account
        subscriptions = portal.subscriptions_of(account, session)
        bills = [i for i in account.newest("invoice") if i["customer"] == session["customer"]]
        customer = account.get("customer", session["customer"])
        chosen = customer["invoice_settings"]["default_payment_method"]
        own = [s["default_payment_method"] for s in subscriptions if s["default_payment_method"]]
        card = account.find("payment_method", own[0] if own else chosen)
        known = f"Visa that ends in {card['card']['last4']}" if card else "No card yet"
        return _page(portal_page(account, session, subscriptions, bills, known, trouble=trouble))

    async def _card(self, request: web.Request) -> web.StreamResponse:
        session = self._account.get("billing_portal.session", request.match_info["id"])
        form = {name: str(value) for name, value in (await request.post()).items()}
        number, answer = form.get("number", "").replace(" ", ""), form.get("answer")
        if answer == "no":
            return self._portal_page(session, _FAILED_TO_ASK)
        try:
            said = portal.change_card(self._account, session, number, authenticated=answer == "yes")
        except Refusal as refusal:
            return self._portal_page(session, str(refusal))
        if said.kind == "asks":
            return _ask(request, form)
        if said.kind == "declines":
            return self._portal_page(session, f"{said.message} Try another card.")
        raise web.HTTPSeeOther(session["url"])

    async def _end(self, request: web.Request) -> web.StreamResponse:
        session = self._account.get("billing_portal.session", request.match_info["id"])
        form = await request.post()
        portal.end_or_resume(
            self._account, session, str(form.get("subscription", "")), ends=form.get("answer") == "end"
        )
        raise web.HTTPSeeOther(session["url"])

    async def _invoice(self, request: web.Request) -> web.Response:
        return _page(invoice_page(self._account.get("invoice", request.match_info["id"])))

    async def _authenticate(self, request: web.Request) -> web.StreamResponse:
        """Where a payment intent sends its owner: to the page of what it is for."""
        intent = self._account.get("payment_intent", request.match_info["id"])
        for invoice in self._account.newest("invoice"):
            if invoices.intent_of(self._account, invoice) is intent:
                raise web.HTTPSeeOther(str(invoice["hosted_invoice_url"]))
        raise Refusal("There is nothing to pay any more.", status=404)

    async def _pay_invoice(self, request: web.Request) -> web.StreamResponse:
        invoice = self._account.get("invoice", request.match_info["id"])
        form = {name: str(value) for name, value in (await request.post()).items()}
        number, answer = form.get("number", "").replace(" ", "") or None, form.get("answer")
        if answer == "no":
            return _page(invoice_page(invoice, _FAILED_TO_ASK))
        try:
            said: Verdict = portal.pay_open(self._account, invoice, number, authenticated=answer == "yes")
        except Refusal as refusal:
            return _page(invoice_page(invoice, str(refusal)))
        if said.kind == "asks":
            return _ask(request, form)
        if said.kind == "declines":
            return _page(invoice_page(invoice, f"{said.message} Try another card."))
        raise web.HTTPSeeOther(request.path)


def _ask(request: web.Request, form: dict[str, str]) -> web.Response:
    return _page(asking_page(request.path, form))


def _success(session: Thing) -> str:
    """docs.stripe.com/payments/checkout/custom-success-page."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _page(html: str, status: int = 200) -> web.Response:
    return web.Response(text=html, status=status, content_type="text/html", headers=_HEADERS)
