"""Whether the system stays as it is for hours at the highest rate: memory, files, consumers, lag,
and the difference between ledger and provider.
"""
