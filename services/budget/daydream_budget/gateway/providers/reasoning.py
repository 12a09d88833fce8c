"""How many tokens a model may think, besides the maximum of the answer that is seen.

Providers count reasoning inside the maximum: a judge's 560 tokens are used up by thought alone. So
an allowance is asked for, and authorized, on top. It starts from what is known of the model,
follows a high quantile of the thought that was seen, and doubles when an answer is cut while the
model still thinks.

Some models never stop thinking, and more room only raises the cost of their calls. So after two
increases that brought no answer the allowance is what it was before the first one, and stays until
an answer ends normally.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterator, Mapping
from math import ceil

from pydantic import BaseModel, ConfigDict, Field

from daydream_budget.gateway.providers.reply import ProviderReply

ALLOWANCE_MAX = 65_536
ALLOWANCE_AFTER_CUT_MIN = 2048
ALLOWANCE_OF_KNOWN_THINKERS = 4096
INCREASES_MAX = 2  # in a row; if they brought no answer, a third one brings none either
THOUGHT_MIN = 256  # a model that thought at all may think this long next time
SEEN_MIN = 8  # calls before the quantile counts
SEEN_MAX = 64
QUANTILE = 0.97
MARGIN = 1.5
BYTES_PER_TOKEN = 3  # few for English: what is inferred as thought is then rather too little
INFERRED_TOKENS_MIN = 64

# Families that think without being asked to, by the names that their makers give them.
_THINKERS = re.compile(
    r"(?:^|[/:_-])(?:o[134](?:-|$)|gpt-(?:[5-9]|oss)|deepseek-(?:r\d|reasoner)|qwq|qwen3|magistral"
    r"|gemini-(?:2\.5|[3-9])|grok-(?:3-mini|[4-9])|glm-(?:4\.[5-9]|[5-9])|kimi-k\d|minimax-m\d)"
    r"|thinking|reasoner|reasoning",
    re.IGNORECASE,
)
_NON_THINKERS = re.compile(r"non-reasoning|non-thinking|instruct|-chat", re.IGNORECASE)


def is_known_thinker(model: str) -> bool:
    """Return True if the name says that the model thinks before it answers."""
    return bool(_THINKERS.search(model)) and not _NON_THINKERS.search(model)


def thought_tokens(reply: ProviderReply) -> int:
    """Return the tokens of thought in an answer: as reported, else inferred from what came."""
    usage = reply.usage
    if usage is not None and usage.reasoning_tokens:
        return usage.reasoning_tokens
    shown = "" if reply.text_source == "reasoning" else reply.thought
    if usage is None or reply.has_tool_calls:
        return ceil(len(shown.encode()) / BYTES_PER_TOKEN)
    hidden = usage.output_tokens - ceil(len(reply.text.encode()) / BYTES_PER_TOKEN)
    return max(0, hidden) if shown or hidden >= INFERRED_TOKENS_MIN else 0


def is_cut_while_thinking(reply: ProviderReply) -> bool:
    """Return True for an answer that reached its maximum before it said anything."""
    return reply.finish == "length" and not reply.text.strip() and not reply.has_tool_calls


class LearnedAllowance(BaseModel):
    """What one role's answers taught: its allowance, or that the model never stops thinking."""

    model_config = ConfigDict(frozen=True)

    tokens: int = Field(ge=0)
    never_stops: bool = False
    learned_at_s: float = 0.0


def merge_allowances(
    mine: Mapping[str, LearnedAllowance], theirs: Mapping[str, LearnedAllowance]
) -> dict[str, LearnedAllowance]:
    """Return the newest allowance of each role."""
    return {
        role: max(
            (allowances[role] for allowances in (mine, theirs) if role in allowances),
            key=lambda allowance: (allowance.learned_at_s, allowance.tokens, allowance.never_stops),
        )
        for role in sorted(mine.keys() | theirs.keys())
    }


class ReasoningAllowance:
    """The allowance of one model in one role."""

    def __init__(self, start: int = 0, fixed: int | None = None) -> None:
        """Start with the probe's default. A `fixed` allowance is the operator's, and stays."""
        self._fixed = fixed
        self._floor = self._before_cuts = min(start, ALLOWANCE_MAX)
        self._cuts = 0
        self._seen: deque[int] = deque(maxlen=SEEN_MAX)
        self.never_stops = False
        self.learned = LearnedAllowance(tokens=self.tokens)

    @property
    def tokens(self) -> int:
        """The allowance now."""
        if self._fixed is not None:
            return self._fixed
        if len(self._seen) < SEEN_MIN:
            return self._floor
        return max(self._floor, self._from_quantile())

    def observe(self, reply: ProviderReply) -> None:
        """Learn from an answer."""
        if is_cut_while_thinking(reply):
            self._observe_cut(thought_tokens(reply))
        elif reply.shape == "completion" and reply.finish == "stop":
            self._observe_end(thought_tokens(reply))
        is_settled = self.never_stops or not self._cuts
        learned = (self.tokens, self.never_stops)
        if is_settled and learned != (self.learned.tokens, self.learned.never_stops):
            self.learned = LearnedAllowance(
                tokens=self.tokens, never_stops=self.never_stops, learned_at_s=time.time()
            )

    def begin_with(self, tokens: int) -> None:
        """Take over what a probe found, unless answers have shown more."""
        if self.never_stops or self._cuts or len(self._seen) >= SEEN_MIN:
            return
        shown = self._floor if self.learned.learned_at_s else 0
        self._floor = self._before_cuts = min(max(shown, tokens), ALLOWANCE_MAX)
        self.learned = self.learned.model_copy(update={"tokens": self.tokens})

    def adopt(self, allowance: LearnedAllowance) -> None:
        """Take over what another replica has learned, if it is newer than what was seen here."""
        if allowance.learned_at_s > self.learned.learned_at_s and len(self._seen) < SEEN_MIN:
            self._floor = self._before_cuts = min(allowance.tokens, ALLOWANCE_MAX)
            self._cuts, self.never_stops, self.learned = 0, allowance.never_stops, allowance

    def _observe_cut(self, thought: int) -> None:
        """Count a cut, unless its call began with a smaller allowance than the one now."""
        if self.never_stops or thought < self.tokens:
            return
        self._cuts += 1
        if self._cuts == 1:
            self._before_cuts = self.tokens
        if self._cuts > INCREASES_MAX:
            self._floor, self.never_stops = self._before_cuts, True
        else:
            self._floor = min(ALLOWANCE_MAX, max(2 * self.tokens, ALLOWANCE_AFTER_CUT_MIN))
        self._seen.clear()

    def _observe_end(self, thought: int) -> None:
        if self.never_stops or thought > self._before_cuts:
            self._cuts = 0  # otherwise this answer did not need the increases
        self.never_stops = False
        self._seen.append(thought)
        if len(self._seen) == SEEN_MAX:
            self._floor = 0  # enough was seen: the quantile knows better than the start

    def _from_quantile(self) -> int:
        ranked = sorted(self._seen)
        high = ranked[min(len(ranked) - 1, int(QUANTILE * len(ranked)))]
        return min(ALLOWANCE_MAX, max(THOUGHT_MIN, ceil(high * MARGIN))) if high else 0


class ReasoningAllowances:
    """The allowances of one model, by role."""

    def __init__(self, model: str, *, fixed: int | None = None) -> None:
        """Take the operator's number, else what the name suggests until a probe knows more."""
        self._start = ALLOWANCE_OF_KNOWN_THINKERS if is_known_thinker(model) else 0
        self._fixed = fixed
        self._roles: dict[str, ReasoningAllowance] = {}

    def for_role(self, role: str) -> ReasoningAllowance:
        """Return the allowance of a role. A new role starts from the largest one known."""
        if role not in self._roles:
            start = max([self._start, *(each.tokens for each in self._roles.values())])
            self._roles[role] = ReasoningAllowance(start, self._fixed)
        return self._roles[role]

    def begin_with(self, tokens: int) -> None:
        """Take the probe's default, where the operator has set none."""
        self._start = tokens
        for allowance in self._roles.values():
            allowance.begin_with(tokens)

    def learned(self) -> dict[str, LearnedAllowance]:
        """Return what was learned from answers, by role. What the operator set is not learned."""
        if self._fixed is not None:
            return {}
        allowances = {role: each.learned for role, each in sorted(self._roles.items())}
        return {role: allowance for role, allowance in allowances.items() if allowance.learned_at_s}

    def adopt(self, allowances: Mapping[str, LearnedAllowance]) -> None:
        """Take over what another replica has learned."""
        for role, allowance in allowances.items() if self._fixed is None else ():
            self.for_role(role).adopt(allowance)

    def lines(self) -> list[str]:
        """Say in one line each how much roles may think, and which never stop."""
        allowances = self.learned()
        stuck = [role for role, each in sorted(self._roles.items()) if each.never_stops]
        return [
            f"{role}: {tokens} tokens for thought" for role, tokens in self if role in allowances
        ] + [f"{role}: it never stops thinking, so its answers are cut" for role in stuck]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """Yield each role with its allowance, for reports."""
        return ((role, each.tokens) for role, each in sorted(self._roles.items()))
