"""Run the budget service, or its audit: `python -m daydream_budget [audit]`.

The audit needs neither FastStream nor telemetry, and the service needs no audit. So each imports
its own.
"""

import sys


def main() -> None:
    """Run the budget service until SIGTERM or SIGINT, or the audit."""
    if sys.argv[1:2] == ["audit"]:
        from daydream_budget.ledger.audit import command

        sys.exit(command.main(sys.argv[2:]))
    import uvloop

    import daydream_runtime.nats_without_aiohttp  # noqa: F401 (before nats)
    from daydream_budget.app import build
    from daydream_budget.settings import BudgetSettings
    from daydream_runtime.process import run

    run(BudgetSettings, build, uvloop.new_event_loop)


if __name__ == "__main__":
    main()
