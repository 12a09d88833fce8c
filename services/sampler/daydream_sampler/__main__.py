"""Run the sampler: `python -m daydream_sampler`."""

import uvloop

import daydream_runtime.nats_without_aiohttp  # noqa: F401 (before nats)
from daydream_runtime.process import run
from daydream_sampler.app import build
from daydream_sampler.settings import SamplerSettings


def main() -> None:
    """Run the sampler until SIGTERM or SIGINT."""
    run(SamplerSettings, build, uvloop.new_event_loop)


if __name__ == "__main__":
    main()
