"""Claims that wait for the pre-screen: a change of the epoch each. Pure.

States of a claim with a pair: taken → waiting (until a batch is full) → ranked, and then either
claimed again and published, or given up. Its pair stays in the set of drawn pairs in both cases.
All of it is written with the epoch, so a replica that is killed leaves claims that the next one
ranks under the same id, and nothing is paid for twice.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime

from daydream_contracts.events import ScreenRank, derive_id
from daydream_sampler.claim import Claim
from daydream_sampler.epoch import CLAIM_LEASE, Epoch
from daydream_sampler.screen_policy import BATCH


def wait_for_rank(epoch: Epoch, claim: Claim) -> Epoch:
    """Let a claim whose pair is taken wait."""
    return epoch.replacing(claim.model_copy(update={"waiting": True}))


def batch_of(epoch: Epoch, *, waiting_min: int) -> tuple[Claim, ...]:
    """Return the claims to rank next, or none while fewer than `waiting_min` wait."""
    waiting = sorted(
        (claim for claim in epoch.claims if claim.waiting), key=lambda claim: claim.claim_id
    )
    return tuple(waiting[:BATCH]) if len(waiting) >= waiting_min else ()


def screen_id_of(epoch: Epoch, batch: Sequence[Claim]) -> str:
    """Return the id of the call that ranks these claims."""
    return derive_id("screen", epoch.permutation_key, *(claim.claim_id for claim in batch))


def end_waiting(
    epoch: Epoch,
    batch: Sequence[Claim],
    ranks: Mapping[str, ScreenRank],
    now: datetime,
) -> Epoch:
    """Let the claims of a batch pass or give them up, by their ranks. Those without one pass.

    A claim that no longer waits stays as it is: another replica was faster. The same epoch decides
    the same.
    """
    for claim in batch:
        if not any(held.claim_id == claim.claim_id and held.waiting for held in epoch.claims):
            continue
        rank = ranks.get(claim.claim_id)
        chance = random.Random(f"{epoch.permutation_key}:screen:{claim.claim_id}").random()
        if rank is not None and chance >= rank.pass_probability:
            epoch = epoch.abandon_claim(claim)
            continue
        update = {
            "waiting": False,
            "screened": True,
            "rank": rank,
            "claimed_at": now,
            "until": now + CLAIM_LEASE,
        }
        epoch = epoch.replacing(claim.model_copy(update=update))
    return epoch
