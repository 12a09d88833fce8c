"""Run the synthesizer: `python -m daydream_synthesizer`."""

import uvloop

from daydream_runtime.process import run
from daydream_synthesizer.app import build
from daydream_synthesizer.settings import SynthesizerSettings


def main() -> None:
    """Run the synthesizer until SIGTERM or SIGINT."""
    run(SynthesizerSettings, build, uvloop.new_event_loop)


if __name__ == "__main__":
    main()
