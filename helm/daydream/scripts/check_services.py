"""Ask all services for their state, as `helm test` does. Exit with 1 if some are away.

It runs in the console's image, with the console's user of NATS, so it sees what people see.
"""

import json
import os
import subprocess
import sys
import time

SERVICES = ("memory", "sampler", "budget", "gateway")


def missing() -> str:
    """Return what is away, in words; empty: nothing is."""
    command = ["daydream", "status", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        return done.stdout + done.stderr
    state = json.loads(done.stdout)
    away = [service for service in SERVICES if not state.get(service)]
    return f"no answer from {', '.join(away)}" if away else ""


def main() -> int:
    """Ask again until all answer, or the time is up."""
    deadline = time.monotonic() + float(os.environ.get("TIMEOUT_S", "60"))
    while problem := missing():
        if time.monotonic() > deadline:
            sys.stdout.write(f"{problem}\n")
            return 1
        time.sleep(1)
    sys.stdout.write("all services answer\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
