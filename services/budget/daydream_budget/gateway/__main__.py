"""Run the gateway, or one of its commands: `python -m daydream_budget.gateway [COMMAND …]`.

A command needs neither FastStream nor telemetry, and the gateway needs no commands. So each imports
its own: that saves seconds at a start.
"""

import sys


def main() -> None:
    """Run the gateway until SIGTERM or SIGINT, or a command."""
    if sys.argv[1:]:
        from daydream_budget.gateway.tools import command

        sys.exit(command.main(sys.argv[1:]))
    import uvloop

    from daydream_budget.gateway.app import build
    from daydream_budget.gateway.settings import GatewaySettings
    from daydream_runtime.process import run

    run(GatewaySettings, build, uvloop.new_event_loop)


if __name__ == "__main__":
    main()
