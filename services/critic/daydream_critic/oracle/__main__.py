"""Run the oracle: `python -m daydream_critic.oracle`."""

import uvloop

from daydream_critic.oracle.app import build
from daydream_critic.oracle.settings import OracleSettings
from daydream_runtime.process import run


def main() -> None:
    """Run the oracle until SIGTERM or SIGINT."""
    run(OracleSettings, build, uvloop.new_event_loop)


if __name__ == "__main__":
    main()
