"""Run the budget service, or its audit: `python -m daydream_budget [audit]`."""

import sys

from daydream_budget.app import build
from daydream_budget.ledger.audit import command
from daydream_budget.settings import BudgetSettings
from daydream_runtime.process import run


def main() -> None:
    """Run the budget service until SIGTERM or SIGINT, or the audit."""
    if sys.argv[1:2] == ["audit"]:
        sys.exit(command.main(sys.argv[2:]))
    run(BudgetSettings, build)


if __name__ == "__main__":
    main()
