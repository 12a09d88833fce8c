"""What the ledger's entries say about spending: for charts, breakdowns, and the entries behind."""
