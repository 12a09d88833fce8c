"""`python -m daydream_critic`"""

from daydream_critic.app import build
from daydream_critic.settings import Settings
from daydream_shared.runtime import run


def main() -> None:
    """Run the critic service until it is told to stop."""
    run(Settings, build)


if __name__ == "__main__":
    main()
