"""The pay page: outside of Telegram, drawn on the server, for a phone, a keyboard and a screen reader."""
