"""The audit: the whole ledger read again by somebody who trusts nobody, and held against the provider's bill.

    LEDGER stream ─▶ auditor (every entry, in its order) ─▶ findings
       snapshot, serving replica, mirror ─▶ compared where they stand
       export of the provider ─▶ exports ─▶ reconciling ─▶ differences, each with the counter-entry that fixes it

It reads only. A ledger that can't be folded any further ends it with a finding; nothing is guessed beyond that place.
"""
