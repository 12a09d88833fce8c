"""Run the simulation: `python -m simulation --seed 7 --steps 1000000`. One JSON line at the end."""

from __future__ import annotations

import argparse
import json
import random
import time

from simulation.world import DaydreamSimulation


class SimulationFailedError(Exception):
    """Something that must hold does not. The text says how to see it again."""


def simulate(
    seed: int, steps: int, kind: type[DaydreamSimulation] = DaydreamSimulation
) -> DaydreamSimulation:
    """Run to the end, and check what must hold. Raise SimulationFailedError with seed and step."""
    random.seed(seed)  # the product's jitter is not given a generator
    simulation = kind(seed)
    try:
        simulation.run(steps)
        simulation.finish()
        simulation.check_end()
    except Exception as error:
        again = f"make simulate SEED={seed} STEPS={simulation.steps}"
        raise SimulationFailedError(f"{error!r}\nat step {simulation.steps}: {again}") from error
    return simulation


def main() -> None:
    """Parse the options, run, and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=100_000)
    options = parser.parse_args()
    began = time.process_time()
    simulation = simulate(options.seed, options.steps)
    calls = sum(sum(each.asked.values()) for each in simulation.daydreams.values())
    report = {
        "seed": options.seed,
        "steps": simulation.steps,
        "daydreams": len(simulation.daydreams),
        "calls": calls,
        "commits": simulation.ledger.length,
        "billed_nanousd": simulation.billed,
        "ended": dict(simulation.ended),
        "cpu_s": round(time.process_time() - began, 1),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
