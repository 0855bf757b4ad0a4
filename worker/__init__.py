"""The fleet: sessions of tenants, what they receive and what they send."""
