"""Run the critic: `python -m daydream_critic`."""

from daydream_critic.app import build
from daydream_critic.settings import CriticSettings
from daydream_runtime.process import run


def main() -> None:
    """Run the critic until SIGTERM or SIGINT."""
    run(CriticSettings, build)


if __name__ == "__main__":
    main()
