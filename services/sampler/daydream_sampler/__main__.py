"""`python -m daydream_sampler`"""

from daydream_sampler.app import build
from daydream_sampler.settings import Settings
from daydream_shared.runtime import run


def main() -> None:
    """Run the sampler service until it is told to stop."""
    run(Settings, build)


if __name__ == "__main__":
    main()
