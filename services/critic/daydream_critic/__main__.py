"""Run the critic: `python -m daydream_critic`."""

import uvloop

from daydream_critic.app import build
from daydream_critic.settings import CriticSettings
from daydream_runtime.process import run


def main() -> None:
    """Run the critic until SIGTERM or SIGINT."""
    run(CriticSettings, build, uvloop.new_event_loop)


if __name__ == "__main__":
    main()
