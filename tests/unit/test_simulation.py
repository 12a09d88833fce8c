"""Short runs of the simulation, and that it finds faults. `make simulate` makes long ones."""

from __future__ import annotations

import pytest

from daydream_budget.ledger.state import LedgerState
from simulation.__main__ import SimulationFailedError, simulate
from simulation.world import DaydreamSimulation

STEPS = 3_000


class ForgetfulSimulation(DaydreamSimulation):
    """A gateway that stores no answers."""

    def _ask(self, name: str, call: str, attempt_id: str) -> int | None:
        cost = super()._ask(name, call, attempt_id)
        self.daydreams[name].answers.clear()
        return cost


class LosingSimulation(DaydreamSimulation):
    """Ledgers that have all lost a part, as from a damaged stream: none reads it any more."""

    def _rare_events(self) -> None:
        super()._rare_events()
        if self.steps == STEPS // 2:
            for replica in self.ledger.replicas:
                replica.state = LedgerState()


@pytest.mark.fault(
    "F1 F2 F3 F8 F9 F14 F15 F16 F17 F18 F19 F35",
    invariant="seeded faults in virtual time: each daydream ends once, and no cap is crossed",
)
@pytest.mark.parametrize("seed", range(2))
def test_a_simulation_loses_nothing_and_crosses_no_cap(seed: int) -> None:
    simulation = simulate(seed, STEPS)
    assert simulation.ended["verdict"] > 100


def test_a_seed_makes_the_same_run_again() -> None:
    first, second = simulate(7, 300), simulate(7, 300)
    assert (first.billed, first.ledger.length, first.now) == (
        second.billed,
        second.ledger.length,
        second.now,
    )


@pytest.mark.parametrize("kind", [ForgetfulSimulation, LosingSimulation])
def test_a_fault_of_the_product_is_found_and_named_by_seed_and_step(
    kind: type[DaydreamSimulation],
) -> None:
    with pytest.raises(SimulationFailedError, match="make simulate SEED=1 STEPS="):
        simulate(1, STEPS, kind)
