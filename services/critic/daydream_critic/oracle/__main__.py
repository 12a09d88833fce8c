"""`python -m daydream_critic.oracle`"""

from daydream_critic.oracle.app import build
from daydream_critic.oracle.settings import Settings
from daydream_shared.runtime import run


def main() -> None:
    """Run the oracle until it is told to stop."""
    run(Settings, build)


if __name__ == "__main__":
    main()
