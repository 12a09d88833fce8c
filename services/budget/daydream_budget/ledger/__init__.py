"""The ledger: requests in, entries out. `rules` is pure; `ledger` commits; `state` folds."""
