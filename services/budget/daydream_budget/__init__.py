"""The budget service: the ledger that enforces the cap."""
