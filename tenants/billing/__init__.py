"""Who pays for which plan: what a provider told, what follows from it, and the ledger of what counted when."""
