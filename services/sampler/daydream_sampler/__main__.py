"""`python -m daydream_sampler`"""

from daydream_runtime.service import run
from daydream_sampler.app import build
from daydream_sampler.settings import SamplerSettings


def main() -> None:
    """Run the sampler service until it is told to stop."""
    run(SamplerSettings, build)


if __name__ == "__main__":
    main()
