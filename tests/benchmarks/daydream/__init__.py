"""Figures about good insights per dollar, with fake models: they need no key and no data."""
