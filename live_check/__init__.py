"""What we assume about Telegram, asked of Telegram: `make live-check`, for whoever has throw-away tokens."""
