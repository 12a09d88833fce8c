"""`python -m daydream_budget`"""

from daydream_budget.app import build
from daydream_budget.settings import Settings
from daydream_shared.runtime import run


def main() -> None:
    """Run the budget service until it is told to stop."""
    run(Settings, build)


if __name__ == "__main__":
    main()
