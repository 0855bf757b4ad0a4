"""A tenant's settings: each declared once in `schema`, every surface derived from it."""
