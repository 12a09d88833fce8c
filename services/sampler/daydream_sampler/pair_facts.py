"""Ask the memory for the facts of pairs: one request for the pairs of all claims."""

from __future__ import annotations

from collections.abc import Sequence

from daydream_contracts.errors import PermanentError
from daydream_contracts.rpc import PAIRS_AT_ONCE_MAX, FindPairs, PairFound
from daydream_contracts.topology import MEMORY_PAIRS
from daydream_runtime.rpc import RpcClient
from daydream_sampler.claim import Claim
from daydream_sampler.pair_numbers import ordinals_of


async def facts_of(rpc: RpcClient, claims: Sequence[Claim | None]) -> list[PairFound | None]:
    """Return the facts of each claim's pair, in the order of the claims.

    None stands for no claim, and for a pair that the memory does not know.
    """
    numbers = [number for claim in claims if (number := _number_of(claim)) is not None]
    facts: dict[int | None, PairFound | None] = {}
    for start in range(0, len(numbers), PAIRS_AT_ONCE_MAX):
        page = numbers[start : start + PAIRS_AT_ONCE_MAX]
        reply = await rpc.request(MEMORY_PAIRS, FindPairs(pairs=tuple(map(ordinals_of, page))))
        facts.update(zip(page, reply.pairs, strict=True))
    return [facts.get(_number_of(claim)) for claim in claims]


def known(claim: Claim, facts: PairFound | None) -> PairFound:
    """Return the facts of a claim's pair. Raise PermanentError if the memory does not know it."""
    if facts is None:
        assert claim.number is not None
        raise PermanentError("no-such-fact", f"No fact at one of {ordinals_of(claim.number)}")
    return facts


def _number_of(claim: Claim | None) -> int | None:
    return None if claim is None else claim.number
