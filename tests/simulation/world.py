"""The whole of a daydream in virtual time: draw, reserve, two paid calls, verdict, release.

Each step is one event, chosen by the seed. A worker can die between any two lines that have an
effect outside of it (`_maybe_die`).
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from daydream_budget.ledger.invariants import check
from daydream_contracts.errors import PermanentError, RetryLaterError, TransientError
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    ChangeBudget,
    Grant,
    OpenReservation,
    ReleaseReservation,
    SetLimit,
    Settle,
    TopUp,
)
from daydream_sampler.epoch import Epoch
from simulation.ledger import SimulatedLedger
from simulation.work_queue import SimulatedQueue, WorkerKilledError

START = datetime(2026, 3, 28, 20, 30, tzinfo=UTC)  # the night before summer time begins
STAGES = ("synthesizer", "critic")
SAMPLERS = ("sampler-1", "sampler-2")
FACTS_MAX = 20_000
DAY_CAP, LIFETIME_CAP = 40_000, 400_000  # nano-dollars: a daydream costs about 30
BOUND = 40
CHECK_EVERY = 20_000
WAITING_MAX = 64  # as a full stage: the sampler draws no more
IN_FLIGHT_MAX = timedelta(minutes=15)


@dataclass
class SimulatedDaydream:
    """What became of one drawn pair."""

    asked: Counter[str] = field(default_factory=Counter)
    faults: int = 0  # each may repeat a call
    answers: set[str] = field(default_factory=set)
    verdicts: int = 0


class DaydreamSimulation:
    """All state outside of the cores, and the evidence of what happened."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = START
        self.steps = 0
        self.ledger = SimulatedLedger(self.chance)
        self.epoch = Epoch(key=f"simulation {seed}")
        self.facts = 40
        self.queues = {stage: SimulatedQueue(self.chance) for stage in STAGES}
        self.daydreams: dict[str, SimulatedDaydream] = {}
        self.attempts: set[str] = set()
        self.ended: Counter[str] = Counter()
        self.billed = 0
        self.lifetime_cap = LIFETIME_CAP
        self.faulty = True
        for window, cap in (("day", DAY_CAP), ("lifetime", LIFETIME_CAP)):
            change = SetLimit.model_validate({"window": window, "cap_nanousd": cap})
            self.ledger.submit(ChangeBudget(change_id=window, change=change, who="test"), self.now)
        self.events = (
            [self._draw] * 20
            + [lambda: self._work("synthesizer")] * 30
            + [lambda: self._work("critic")] * 30
            + [self._time_passes] * 12
            + [lambda: self.ledger.sweep(self.now)] * 3
        )

    def run(self, steps: int) -> None:
        """Make that many steps."""
        for _ in range(steps):
            self.steps += 1
            self.chance.choice(self.events)()
            self._rare_events()
            if self.steps % 100 == 0:
                self.check_money()
            if self.steps % CHECK_EVERY == 0:
                check(self.ledger.current())

    def finish(self) -> None:
        """Let everything that was begun end, without faults, and with enough money."""
        self.faulty = False
        self.lifetime_cap += 10**9
        change = TopUp(window="lifetime", by_nanousd=10**9)
        self.ledger.submit(ChangeBudget(change_id="last", change=change, who="test"), self.now)
        while any(queue.waiting for queue in self.queues.values()):
            self.now += timedelta(minutes=5)
            for stage in STAGES:
                while self._work(stage):
                    pass
        for days in range(10):
            self.now += timedelta(days=days)
            self.ledger.sweep(self.now)

    # --- events -----------------------------------------------------------------------------------

    def _draw(self) -> None:
        """Draw as a replica of the sampler does. It can die after each effect."""
        if len(self.queues["synthesizer"].waiting) >= WAITING_MAX:
            return
        owner = self.chance.choice(SAMPLERS)
        self.epoch = self.epoch.extend(self.facts)
        claimed = self.epoch.claim(owner, self.now)
        if claimed is None:
            self.facts = min(FACTS_MAX, self.facts + 10)
            return
        self.epoch, claim = claimed
        name = f"pair-{claim.number}"
        try:
            self._maybe_die()
            grant = self._open(name, claim.claimed_at)
            if not grant.granted:
                self.epoch = self.epoch.renew_claim(claim, self.now)
                return
            self._maybe_die()
            self.daydreams.setdefault(name, SimulatedDaydream())
            self.queues["synthesizer"].publish(name, self.now)
            self._maybe_die()
        except WorkerKilledError:
            return  # the claim stays, and another replica takes it over
        self.epoch = self.epoch.complete(claim)

    def _open(self, name: str, at: datetime) -> Grant:
        allocations = tuple(
            AllocationRequest(
                stage=stage, model="m", upper_bound_nanousd=BOUND, expected_nanousd=15
            )
            for stage in STAGES
        )
        request = OpenReservation(reservation_id=name, allocations=allocations, requested_at=at)
        grant: Grant = self.ledger.submit(request, self.now)
        return grant

    def _work(self, stage: str) -> bool:
        queue = self.queues[stage]
        handle = self._write if stage == "synthesizer" else self._judge
        dead_before = len(queue.dead)
        worked = queue.deliver(handle, self.now)
        if len(queue.dead) > dead_before:
            name = next(reversed(queue.dead))
            self._release(name)
            self.ended["dead letter"] += 1
        return worked

    def _write(self, name: str) -> None:
        """Make the first paid call, and pass the daydream on."""
        self._call(name, "synthesizer")
        self.queues["critic"].publish(name, self.now)
        self._maybe_die(name)

    def _judge(self, name: str) -> None:
        """Make the second paid call, reach the verdict, and release what is left."""
        self._call(name, "critic")
        if self.daydreams[name].verdicts == 0:  # the memory knows verdicts by their derived ids
            self.ended["verdict"] += 1
        self.daydreams[name].verdicts += 1
        self._maybe_die(name)
        self._release(name)
        self._maybe_die(name)

    def _call(self, name: str, stage: str) -> None:
        """Ask as the gateway does: authorize, call, store, settle. A stored answer is enough."""
        daydream, call = self.daydreams[name], f"{name}:{stage}"
        if call in daydream.answers:
            return
        request = Authorize(
            reservation_id=name,
            call_id=call,
            nonce=f"{call}:{self.steps}",
            stage=stage,
            model="m",
            upper_bound_nanousd=BOUND,
            lifetime_s=IN_FLIGHT_MAX.total_seconds(),
        )
        grant: Grant = self.ledger.submit(request, self.now)
        if not grant.granted:
            self._refused(grant)
        assert grant.attempt_id not in self.attempts, "an attempt is granted to one worker"
        self.attempts.add(grant.attempt_id)
        self._maybe_die(name)
        self.check_cap()
        cost = self._ask(name, call, grant.attempt_id)
        self._settle(grant.attempt_id, cost)
        self._maybe_die(name)

    def _refused(self, grant: Grant) -> None:
        assert grant.refusal is not None
        if grant.refusal.reason == "released":
            raise PermanentError("released", "its work has ended")
        raise RetryLaterError(grant.refusal.text)

    def _ask(self, name: str, call: str, attempt_id: str) -> int | None:
        """Return the cost that the provider reports. It bills also what is lost."""
        daydream = self.daydreams[name]
        daydream.asked[call] += 1
        assert daydream.asked[call] <= 1 + daydream.faults, f"{call} is repeated without a fault"
        cost = self.chance.randint(1, BOUND)
        self.billed += cost
        self._maybe_die(name)
        if self.faulty and self.chance.random() < 0.02:
            daydream.faults += 1
            self._settle(attempt_id, None)
            raise TransientError("the answer was lost")
        daydream.answers.add(call)
        return cost if self.chance.random() > 0.05 else None  # without usage

    def _settle(self, attempt_id: str, cost: int | None) -> None:
        """Settle, now and then twice or with another amount."""
        self.ledger.submit(Settle(attempt_id=attempt_id, cost_nanousd=cost), self.now)
        if self.faulty and self.chance.random() < 0.1:
            self.ledger.submit(Settle(attempt_id=attempt_id, cost_nanousd=1), self.now)

    def _release(self, name: str) -> None:
        self.ledger.submit(ReleaseReservation(reservation_id=name), self.now)

    def _maybe_die(self, name: str = "") -> None:
        if self.faulty and self.chance.random() < 0.01:
            if name:
                self.daydreams[name].faults += 1
            raise WorkerKilledError

    def _time_passes(self) -> None:
        self.now += timedelta(seconds=self.chance.expovariate(1 / 20))

    def _rare_events(self) -> None:
        ticket = self.chance.random()
        if ticket < 0.0002:
            self.ledger.kill()
        elif ticket < 0.0004:
            self.now += timedelta(hours=self.chance.uniform(0, 12))
        elif ticket < 0.0008:
            by = self.chance.randint(-2_000, 20_000)
            change = TopUp(window="lifetime", by_nanousd=by)
            request = ChangeBudget(change_id=f"top-up {self.steps}", change=change, who="test")
            if self.ledger.submit(request, self.now).refusal is None:
                self.lifetime_cap += by

    # --- what must hold ---------------------------------------------------------------------------

    def check_cap(self) -> None:
        """Assert that the attempt that was granted just now crosses no limit."""
        state = self.ledger.current()
        account = state.accounts.of("all")
        assert account.settled + account.authorized <= self.lifetime_cap
        today = state.used("all", "day", max(self.now, state.at or self.now))
        assert today.settled + account.authorized <= DAY_CAP

    def check_money(self) -> None:
        """Assert that the ledger has what was billed."""
        account = self.ledger.current().accounts.of("all")
        assert self.billed <= account.settled + account.authorized

    def check_end(self) -> None:
        """Assert that everything has ended once, and that nothing is left in the ledger."""
        drawn = self.daydreams
        dead = {name for queue in self.queues.values() for name in queue.dead}
        without = [name for name, each in drawn.items() if not each.verdicts and name not in dead]
        assert without == [], "every daydream has a verdict or a dead letter"
        state = self.ledger.current()
        check(state)
        account = state.accounts.of("all")
        assert account.authorized == account.reserved == 0
        assert self.billed <= account.settled
        assert len(drawn) == self.epoch.drawn + len(self.epoch.claims) - self._not_begun()

    def _not_begun(self) -> int:
        claims = self.epoch.claims
        return sum(f"pair-{claim.number}" not in self.daydreams for claim in claims)
