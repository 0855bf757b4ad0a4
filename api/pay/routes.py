"""The pay page: opened by a link that the setup bot makes, for one person and one connection, for an hour."""

from http import HTTPStatus
from typing import Annotated

from litestar import MediaType, Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from api.pay import drawing
from tenants.billing.accounts import Account
from tenants.billing.desk import PayDesk, Wish
from tenants.errors import DomainError, Invalid, NotFound
from tenants.ids import UserId
from tenants.plans import Plan, TermsByPlan

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
AnyRequest = Request[object, object, State]

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": ("default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"),
}
"""The address is a secret for an hour, so it is kept nowhere and told to nobody. A form may lead to the provider."""
GONE = "You do not manage this connection any more, or it was deleted."
DONE = {
    "paid": "Thank you. The payment has been received by Stripe; the plan counts within a minute.",
    "changed": "Changed. It counts within a minute.",
}


class Page:
    """One visit: who may pay for which connection, and where the page is."""

    def __init__(self, desk: PayDesk, public_url: str, terms: TermsByPlan) -> None:
        self._desk = desk
        self._terms = terms
        self._public_url = public_url

    async def show(self, link: str, *, done: str | None = None, problem: str | None = None) -> str:
        account, person = await self._open(link)
        said = DONE.get(done or "")
        here = f"/pay/{link}"
        return drawing.draw_plans(account, person, self._desk.prices, here, self._terms, problem=problem, done=said)

    async def choose(self, link: str, form: dict[str, str]) -> Response[str]:
        """Raises `DomainError`. A change of what is paid already is asked back once."""
        (account, person), wish = await self._open(link), _read_wish(form)
        if account.subscription is not None and form.get("sure") != "yes":
            return _html(drawing.draw_question(account, self._desk.prices, f"/pay/{link}", wish))
        back = f"{self._public_url}/pay/{link}"
        address = await self._desk.pay(person, account.tenant.id, wish, back)
        return _see_other(address or f"{back}?done=changed")

    async def portal(self, link: str) -> Response[str]:
        tenant, person = await self._desk.read_link(link)
        return _see_other(await self._desk.open_portal(person, tenant, f"{self._public_url}/pay/{link}"))

    async def _open(self, link: str) -> tuple[Account, UserId]:
        tenant, person = await self._desk.read_link(link)
        try:
            return await self._desk.open_account(person, tenant), person
        except NotFound:
            raise Invalid(GONE, code="gone") from None


def _read_wish(form: dict[str, str]) -> Wish:
    try:
        plan = Plan(form.get("plan", ""))
        units = int(form.get("units") or 1) if plan is Plan.PRO else 1
    except ValueError:
        raise Invalid("Choose a plan and a whole number of units.", field="plan") from None
    return Wish(plan, units, form.get("currency", ""))


def _see_other(address: str) -> Response[str]:
    return Response("", status_code=HTTPStatus.SEE_OTHER, headers={**HEADERS, "Location": address})


def _html(drawn: str, status: HTTPStatus = HTTPStatus.OK) -> Response[str]:
    return Response(drawn, media_type=MediaType.HTML, status_code=status, headers=HEADERS)


def _closed(problem: DomainError) -> Response[str]:
    return _html(drawing.draw_closed(problem.text), HTTPStatus.FORBIDDEN)


def router(page: Page) -> Router:
    @get("/{link:str}", include_in_schema=False)
    async def show(link: FromPath[str], done: FromQuery[str | None] = None) -> Response[str]:
        try:
            return _html(await page.show(link, done=done))
        except Invalid as refused:
            return _closed(refused)

    @post("/{link:str}", include_in_schema=False, status_code=HTTPStatus.OK)
    async def choose(link: FromPath[str], data: Form) -> Response[str]:
        try:
            return await page.choose(link, data)
        except DomainError as refused:
            return await _again(page, link, refused)

    @post("/{link:str}/portal", include_in_schema=False, status_code=HTTPStatus.OK)
    async def portal(link: FromPath[str]) -> Response[str]:
        try:
            return await page.portal(link)
        except DomainError as refused:
            return await _again(page, link, refused)

    @get("/style.css", include_in_schema=False, media_type=MediaType.CSS, sync_to_thread=False)
    def style() -> str:
        return drawing.style()

    return Router("/pay", route_handlers=[show, choose, portal, style])


async def _again(page: Page, link: str, refused: DomainError) -> Response[str]:
    """The page with the sentence on it; where even that can't be shown, the sentence alone."""
    try:
        drawn = await page.show(link, problem=refused.text)
    except Invalid:
        return _closed(refused)
    return _html(drawn, HTTPStatus.UNPROCESSABLE_ENTITY)
