"""A batch of draws: claimed by one change of the epoch, and ended by another. Pure.

The draws of a batch are made one after the other, though their requests are made together. Each has
the epoch that the draws before it leave, and sees their pairs as drawn. So a batch draws what the
same number of single draws would, with the same probabilities.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from daydream_contracts.rpc import Refusal
from daydream_sampler.anchor_cycles import AnchorSource
from daydream_sampler.claim import Claim
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_numbers import ordinals_of
from daydream_sampler.pair_probability import PairSet
from daydream_sampler.screening import wait_for_rank

log = logging.getLogger(__name__)
RENEW_CLAIM_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Draw:
    """A claim, and the epoch before it."""

    before: Epoch
    claim: Claim


class DrawEnd(StrEnum):
    """How a draw of a batch ended."""

    PUBLISHED = "published"
    GIVEN_UP = "given up"  # no partner is left, or its pair is drawn or may not be drawn
    RANKED_LATER = "ranked later"
    REFUSED = "refused"  # by the budget: it waits for money
    RENEWED = "renewed"  # refused too, and so long ago that it counts as made now


@dataclass(frozen=True)
class EndedDraw:
    """How a draw ended. `refusal`: why the budget refused it."""

    claim: Claim
    how: DrawEnd
    refusal: Refusal | None = None


def claim_batch(
    epoch: Epoch, owner: str, now: datetime, sources: Mapping[str, AnchorSource], count: int
) -> tuple[Epoch, tuple[Draw, ...]]:
    """Claim up to `count` draws. Return the epoch with them, and the draws.

    A batch ends with its round of the portfolio, by whose shares it draws.
    """
    draws: list[Draw] = []
    if epoch.drawn < epoch.round.until:
        count = min(count, epoch.round.until - epoch.drawn)
    while len(draws) < count:
        mine = {draw.claim.claim_id for draw in draws}
        claimed = epoch.claim(owner, now, sources, mine)
        if claimed is None:
            break
        draws.append(Draw(epoch, claimed[1]))
        epoch = claimed[0]
    return epoch, tuple(draws)


def assign_batch(
    epoch: Epoch, draws: Sequence[Draw], chosen: Sequence[Claim | None]
) -> tuple[Epoch, list[Claim | None]]:
    """Write down which pairs the claims are for, in their order.

    None stands for a claim without a pair: there was none, another replica has the claim, or an
    earlier claim has the pair.
    """
    assigned: list[Claim | None] = []
    later = {draw.claim.claim_id for draw in draws}
    for draw, claim in zip(draws, chosen, strict=True):
        later.discard(draw.claim.claim_id)
        with_pair = None
        if claim is not None:
            epoch, with_pair = epoch.assign_pair(draw.claim, claim, later)
        assigned.append(with_pair)
    return epoch, assigned


def end_batch(epoch: Epoch, ends: Sequence[tuple[Claim, DrawEnd]], now: datetime) -> Epoch:
    """Return the epoch after these draws. Idempotent.

    Only the replica that has a claim may give it up: another one may have published its pair.
    """
    for claim, end in ends:
        held = next((each for each in epoch.claims if each.claim_id == claim.claim_id), None)
        if held is None or (end is not DrawEnd.PUBLISHED and held.owner != claim.owner):
            continue
        match end:
            case DrawEnd.PUBLISHED:
                epoch = epoch.complete(claim)
            case DrawEnd.GIVEN_UP:
                epoch = epoch.abandon_claim(claim)
            case DrawEnd.RANKED_LATER:
                epoch = wait_for_rank(epoch, claim)
            case DrawEnd.RENEWED:
                epoch = epoch.renew_claim(claim, now)
            case DrawEnd.REFUSED:
                pass
    return epoch


def refused(claim: Claim, refusal: Refusal, now: datetime) -> EndedDraw:
    """Let the claim wait for money as long as it takes: a cap may renew in weeks.

    The ledger opens no reservation that was requested a week ago, so the claim is renewed.
    """
    if refusal.reason == "too-old":
        # this system stood still that long: whether the pair was paid for is forgotten
        log.warning("a draw of %s is given up: %s", claim.claimed_at, refusal.text)
        return EndedDraw(claim, DrawEnd.GIVEN_UP)
    is_old = now - claim.claimed_at > RENEW_CLAIM_AFTER
    return EndedDraw(claim, DrawEnd.RENEWED if is_old else DrawEnd.REFUSED, refusal)


@dataclass(frozen=True)
class DrawnWith:
    """The drawn pairs, and those of earlier draws of a batch."""

    drawn: PairSet
    numbers: Collection[int]
    draws: Mapping[int, int] = field(init=False)

    def __post_init__(self) -> None:
        added = [number for number in self.numbers if number not in self.drawn]
        ordinals = [ordinal for number in added for ordinal in ordinals_of(number)]
        object.__setattr__(self, "draws", DrawsWith(self.drawn.draws, ordinals))

    def __contains__(self, number: int) -> bool:
        return number in self.numbers or number in self.drawn

    def __len__(self) -> int:
        return len(self.drawn) + sum(number not in self.drawn for number in self.numbers)


@dataclass(frozen=True)
class DrawsWith(Mapping[int, int]):
    """In how many drawn pairs each fact is, with those of earlier draws of a batch."""

    draws: Mapping[int, int]
    ordinals: Sequence[int]

    def __getitem__(self, ordinal: int) -> int:
        count = self.draws.get(ordinal, 0) + self.ordinals.count(ordinal)
        if not count:
            raise KeyError(ordinal)
        return count

    def __iter__(self) -> Iterator[int]:
        return iter({*self.draws, *self.ordinals})

    def __len__(self) -> int:
        return len({*self.draws, *self.ordinals})
