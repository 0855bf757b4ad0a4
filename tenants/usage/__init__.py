"""How many updates a tenant has had handled each day, what its plan allows, and what waits until it allows more."""
