"""`python -m daydream_synthesizer`"""

from daydream_shared.runtime import run
from daydream_synthesizer.app import build
from daydream_synthesizer.settings import Settings


def main() -> None:
    """Run the synthesizer service until it is told to stop."""
    run(Settings, build)


if __name__ == "__main__":
    main()
