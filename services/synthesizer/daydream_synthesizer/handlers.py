"""Handle what the synthesizer receives: pairs, and requests for its state."""

from __future__ import annotations

from typing import Annotated

from daydream_contracts.events import PairSampled
from daydream_contracts.rpc import EmptyRequest, ScreenedPairs, ScreenPairs, SynthesizerState
from daydream_runtime.from_context import FromContext
from daydream_runtime.publisher import EventPublisher
from daydream_synthesizer.pair_screen import PairScreen
from daydream_synthesizer.report import WriterReport
from daydream_synthesizer.synthesis import Synthesizer


async def pair_sampled(
    pair: PairSampled,
    synthesizer: Annotated[Synthesizer, FromContext()],
    publisher: Annotated[EventPublisher, FromContext()],
) -> None:
    """Propose one hypothesis per sample of the pair, or an abstention.

    Idempotent: an answer is stored under an id derived from the pair, so a second delivery costs
    nothing, and the hypotheses have the same ids.
    """
    for hypothesis in await synthesizer.propose(pair):
        await publisher.publish(hypothesis)


async def screen_pairs(
    request: ScreenPairs, screen: Annotated[PairScreen, FromContext()]
) -> ScreenedPairs:
    """Rank pairs. Idempotent: the call has the id of the request, and is paid for once."""
    return await screen.rank(request)


async def synthesizer_state(
    request: EmptyRequest, report: Annotated[WriterReport, FromContext()]
) -> SynthesizerState:
    """Report the share and the record of each writer. Read only."""
    return await report.state()
