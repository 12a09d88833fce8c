"""`python -m daydream_critic`"""

from daydream_critic.app import build
from daydream_critic.settings import CriticSettings
from daydream_runtime.service import run


def main() -> None:
    """Run the critic until it is stopped."""
    run(CriticSettings, build)


if __name__ == "__main__":
    main()
