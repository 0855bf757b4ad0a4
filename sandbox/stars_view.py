"""What a person sees of Stars: an invoice before it is paid, how paying went, what they are subscribed to."""

from sandbox.view import Json, account_view, moment
from sandbox.world import Bot, Checkout, Invoice, Subscription, User, World


def invoice_view(world: World, invoice: Invoice, user: User) -> Json:
    return {
        "link": invoice.link,
        "bot": account_view(invoice.bot),
        "title": invoice.title,
        "description": invoice.description,
        "amount": invoice.amount,
        "is_subscription": invoice.is_subscription,
        "balance": world.balance(user),
    }


def checkout_view(checkout: Checkout) -> Json:
    """`outcome` is waiting, paid, refused or unanswered; `error` is the sentence of the latter two."""
    return {
        "id": checkout.id,
        "outcome": checkout.outcome,
        "error": checkout.error,
        "charge_id": checkout.payment.charge_id if checkout.payment else None,
    }


def subscription_view(subscription: Subscription) -> Json:
    return {
        "title": subscription.invoice.title,
        "amount": subscription.invoice.amount,
        "charge_id": subscription.charge_id,
        "expires_at": moment(subscription.expires_at),
        "renews": subscription.renews,
        "is_barred": subscription.is_barred,
        "has_ended": subscription.has_ended,
    }


def stars_view(world: World, user: User, bot: Bot) -> Json:
    """The person's balance, and what of the bot's they are subscribed to."""
    lasting = [subscription_view(one) for one in world.stars.lasting(user, bot)]
    return {"balance": world.balance(user), "subscriptions": lasting}
