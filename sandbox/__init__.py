"""A local Telegram: one deterministic World, faced as Bot API over HTTP and as a page in the browser.

It imports nothing of the product, so that the product is judged by a stranger.
"""
