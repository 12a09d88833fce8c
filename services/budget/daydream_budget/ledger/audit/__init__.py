"""Audit: read the whole ledger again, trust nothing, and compare it with the provider's invoice.

    LEDGER stream ─▶ auditor (every entry, in order) ─▶ findings
       snapshot, serving replica, mirror ─▶ compared at the same entry
       provider's invoice ─▶ invoices ─▶ reconciliation ─▶ differences, each with its correction

It only reads. An entry that can't be folded ends it with a finding; nothing after it is judged.
"""
