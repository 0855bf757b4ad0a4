"""What an update means: pure decisions over the tenant's settings and dialogs, with rows as their effect."""
