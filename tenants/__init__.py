"""The domain: tenants, dialogs, the outbox. It knows no web framework and no Telegram library."""
