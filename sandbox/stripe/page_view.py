"""How the pages of this Stripe look: plain HTML that works without a script, in a narrow window, by keyboard."""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

from sandbox.stripe.account import Account, Thing
from sandbox.stripe.cards import CARDS
from sandbox.stripe.standing import OVER

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 40rem; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
label { display: block; margin-top: .75rem; }
input, button { font: inherit; min-height: 2.75rem; box-sizing: border-box; }
input { width: 100%; padding: 0 .75rem; }
button { margin-top: 1rem; padding: 0 1.25rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .35rem .5rem .35rem 0; }
[role=alert] { border-left: .3rem solid #c62828; padding: .5rem 1rem; }
.note { opacity: .8; }
"""
_NOTE = "This is a pretend Stripe for trying things out: no money moves. Never type the number of a real card."


def money(amount: int, currency: str) -> str:
    """Of a currency with hundredths, as 12.00 EUR."""
    return f"{amount / 100:.2f} {currency.upper()}"


def day(moment: int | None) -> str:
    return "—" if moment is None else f"{datetime.fromtimestamp(moment, UTC):%d %B %Y}"


def checkout_page(session: Thing, lines: Iterable[Thing], trouble: str, typed: str) -> str:
    rows = "".join(
        f"<tr><td>{escape(line['description'])} × {line['quantity']}</td>"
        f"<td>{money(line['amount_total'], line['currency'])}</td></tr>"
        for line in lines
    )
    total = money(session["amount_total"], session["currency"])
    known = typed or session["customer_email"] or ""
    email = "" if session["customer"] else _field("email", "E-mail", "email", known, "email")
    back = _link(session["cancel_url"], "Back without paying")
    return _page(
        "Subscribe",
        f"{_alert(trouble)}<table>{rows}<tr><th>Due today</th><th>{total}</th></tr></table>"
        f'<form method="post" action="/pay/{session["id"]}">{email}{_card_fields()}'
        f"<button>Pay {total}</button></form>{back}{_cards()}",
    )


def asking_page(action: str, form: dict[str, str]) -> str:
    kept = "".join(_hidden(name, value) for name, value in form.items() if name in {"email", "number"})
    return _page(
        "Is it you?",
        "<p>Your bank asks whether it is you who pays.</p>"
        f'<form method="post" action="{escape(action)}">{kept}'
        '<button name="answer" value="yes">It is me</button> '
        '<button name="answer" value="no">It is not me</button></form>',
    )


def portal_page(
    account: Account,
    session: Thing,
    subscriptions: list[Thing],
    bills: list[Thing],
    card: str,
    *,
    trouble: str,
) -> str:
    path = f"/portal/{session['id']}"
    return _page(
        "Your subscription",
        f"{_alert(trouble)}{''.join(_subscription(account, path, s) for s in subscriptions)}"
        f"<h2>Card</h2><p>{card}</p>"
        f'<form method="post" action="{path}/card">{_card_fields()}<button>Use this card</button></form>'
        f"<h2>Invoices</h2>{_bills(bills)}{_link(session['return_url'], 'Back')}{_cards()}",
    )


def _subscription(account: Account, path: str, subscription: Thing) -> str:
    items = subscription["items"]["data"]
    product = account.find("product", items[0]["price"]["product"])
    title = f"{product['name'] if product else 'Subscription'} × {items[0]['quantity']}"
    if subscription["status"] in OVER:
        return f"<h2>{escape(title)}</h2><p>Ended on {day(subscription['ended_at'])}.</p>"
    ends = subscription["cancel_at"]
    said = f"Ends on {day(ends)}." if ends else f"Renews on {day(items[0]['current_period_end'])}."
    button = (
        '<button name="answer" value="resume">Do not end it</button>'
        if ends
        else '<button name="answer" value="end">End it after this period</button>'
    )
    status = subscription["status"].replace("_", " ")
    return (
        f"<h2>{escape(title)}</h2><p>It is {status}. {said}</p>"
        f'<form method="post" action="{path}/end">{_hidden("subscription", subscription["id"])}{button}</form>'
    )


def _bills(bills: list[Thing]) -> str:
    rows = "".join(
        f"<tr><td>{day(bill['created'])}</td><td>{money(bill['total'], bill['currency'])}</td>"
        f"<td>{bill['status']}</td><td>{_bill_link(bill)}</td></tr>"
        for bill in bills
    )
    head = "<tr><th>Date</th><th>Amount</th><th>State</th><th>Invoice</th></tr>"
    return f"<table>{head}{rows}</table>"


def _bill_link(bill: Thing) -> str:
    url = bill["hosted_invoice_url"]
    return f'<a href="{escape(url)}">{escape(bill["number"])}</a>' if url else "not made yet"


def invoice_page(invoice: Thing, trouble: str = "") -> str:
    rows = "".join(
        f"<tr><td>{escape(line['description'])}</td><td>{money(line['amount'], line['currency'])}</td></tr>"
        for line in invoice["lines"]["data"]
    )
    due = money(invoice["amount_due"], invoice["currency"])
    form = ""
    if invoice["status"] == "open":
        form = (
            f'<form method="post" action="/invoice/{invoice["id"]}">'
            f"<p>Leave the number empty to pay with the card that is known.</p>{_card_fields(needed=False)}"
            f"<button>Pay {due}</button></form>{_cards()}"
        )
    said = {"open": "This is not paid yet.", "paid": "This is paid. Thank you."}.get(invoice["status"], "")
    title = f"Invoice {invoice['number'] or ''}"
    table = f"<table>{rows}<tr><th>Due</th><th>{due}</th></tr></table>"
    return _page(title, f"{_alert(trouble)}<p>{said}</p>{table}{form}")


def overview_page(account: Account) -> str:
    """What there is, for whoever looks at the sandbox."""
    rows = "".join(
        f"<tr><td>{thing['id']}</td><td>{thing['status']}</td><td>{day(_period_end(thing))}</td>"
        f"<td>{thing['customer']}</td><td>{_card_switch(account, thing)}</td></tr>"
        for thing in account.newest("subscription")
    )
    told = "".join(
        f"<tr><td>{day(event['created'])}</td><td>{escape(event['type'])}</td>"
        f"<td>{'on its way' if event['pending_webhooks'] else 'told'}</td></tr>"
        for event in account.newest("event")[:50]
    )
    head = "<tr><th>Subscription</th><th>State</th><th>Period ends</th><th>Customer</th><th>Card</th></tr>"
    return _page(
        "A pretend Stripe",
        f"<p>Its clock says {day(account.now())}.</p>"
        '<form method="post" action="/time"><button name="days" value="1">Let a day pass</button> '
        '<button name="days" value="31">Let a month pass</button></form>'
        f"<h2>Subscriptions</h2><table>{head}{rows}</table>"
        f"<h2>Latest events</h2><table><tr><th>Date</th><th>Event</th><th>State</th></tr>{told}</table>",
    )


def _card_switch(account: Account, subscription: Thing) -> str:
    """A button that makes the customer's cards decline, or work again."""
    if subscription["status"] in OVER:
        return ""
    methods = [one for one in account.newest("payment_method") if one["customer"] == subscription["customer"]]
    fails = any(one.get("_fails") for one in methods)
    words, value = ("Card works again", "works") if fails else ("Card declines from now on", "declines")
    action = f"/cards/{escape(str(subscription['customer']))}"
    return f'<form method="post" action="{action}"><button name="card" value="{value}">{words}</button></form>'


def _period_end(subscription: Thing) -> int:
    return int(subscription["items"]["data"][0]["current_period_end"])


def message_page(message: str, back: str | None = None) -> str:
    return _page("Stripe", f"{_alert(message)}{_link(back, 'Back')}")


def _card_fields(*, needed: bool = True) -> str:
    return (
        _field("number", "Card number", "text", "", "cc-number", needed=needed, numeric=True)
        + _field("expiry", "Expiry (MM/YY)", "text", "12/34", "cc-exp", needed=needed)
        + _field("cvc", "Security code", "text", "123", "cc-csc", needed=needed, numeric=True)
    )


def _field(
    name: str, label: str, kind: str, value: str, purpose: str, *, needed: bool = True, numeric: bool = False
) -> str:
    extra = (" required" if needed else "") + (' inputmode="numeric"' if numeric else "")
    return (
        f'<label for="{name}">{label}</label><input id="{name}" name="{name}" type="{kind}" '
        f'value="{escape(value)}" autocomplete="{purpose}"{extra}>'
    )


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def _cards() -> str:
    rows = "".join(
        f"<tr><td><code>{number[:4]} {number[4:8]} {number[8:12]} {number[12:]}</code></td><td>{card.title}</td></tr>"
        for number, card in CARDS.items()
    )
    return f"<h2>Invented cards</h2><table><tr><th>Number</th><th>What it does</th></tr>{rows}</table>"


def _alert(text: str) -> str:
    return f'<p role="alert">{escape(text)}</p>' if text else ""


def _link(url: str | None, text: str) -> str:
    """Only to a web address: a form of a fake is no way to run a script."""
    if not url or not url.startswith(("http://", "https://")):
        return ""
    return f'<p><a href="{escape(url)}">{text}</a></p>'


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style></head>'
        f'<body><main><h1>{escape(title)}</h1>{body}<p class="note">{_NOTE}</p></main></body></html>'
    )
