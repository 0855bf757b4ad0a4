"""HTTP: it reads requests, asks the domain, and shows what the domain says. Nothing here decides anything."""
