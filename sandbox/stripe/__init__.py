"""A Stripe of this machine's own: enough of it to sell a subscription, in Stripe's shapes, and to break it on demand.

API version 2026-10-28.endive; shapes are those of the `stripe` library's own types (16.1) and docs.stripe.com/api.
"""
