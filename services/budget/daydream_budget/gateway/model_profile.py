"""All that was learned of one model at one address. Replicas share it, and the next start."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict

from daydream_budget.gateway.bills import LearnedMarkup, merge_bills
from daydream_budget.gateway.providers.capabilities import Capabilities
from daydream_budget.gateway.providers.dialect import Dialect
from daydream_budget.gateway.providers.reasoning import LearnedAllowance, merge_allowances


class ModelProfile(BaseModel):
    """The profile of one model. Those of two replicas merge in any order.

    `bills` is by price: a markup is about one price, and ends when the price is corrected.
    `capabilities` is what the probe found out; a replica that probes has claimed it before.
    """

    model_config = ConfigDict(frozen=True)

    dialect: Dialect = Dialect()
    bills: dict[str, LearnedMarkup] = {}
    allowances: dict[str, LearnedAllowance] = {}
    capabilities: Capabilities | None = None
    probe_claimed_at_s: float = 0.0

    def merge(self, other: ModelProfile) -> Self:
        """Return what either of two replicas has learned."""
        findings = [each.capabilities for each in (self, other) if each.capabilities is not None]
        return type(self)(
            dialect=self.dialect.merge(other.dialect),
            bills=merge_bills(self.bills, other.bills),
            allowances=merge_allowances(self.allowances, other.allowances),
            capabilities=max(findings, key=lambda findings: findings.probed_at_s, default=None),
            probe_claimed_at_s=max(self.probe_claimed_at_s, other.probe_claimed_at_s),
        )
