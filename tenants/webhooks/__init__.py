"""Webhooks: what happens to dialogs, told to programs of the owner's. Ids and times, never what people write."""
