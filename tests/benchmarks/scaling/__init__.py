"""How critics scale: through real services, gateway and ledger, with a provider that takes time."""
