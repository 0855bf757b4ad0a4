"""Connecting a bot: Telegram is asked about its token and its group. The setup bot and the API show the answers."""
