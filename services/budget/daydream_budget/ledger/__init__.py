"""The ledger: entries, the state that they fold to, and the rules that decide what may be appended."""
