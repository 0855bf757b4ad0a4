"""The one door to Telegram. Only the adapters in here know a Telegram library."""
