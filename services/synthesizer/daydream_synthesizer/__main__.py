"""`python -m daydream_synthesizer`"""

from daydream_runtime.service import run
from daydream_synthesizer.app import build
from daydream_synthesizer.settings import SynthesizerSettings


def main() -> None:
    """Run the synthesizer service until it is told to stop."""
    run(SynthesizerSettings, build)


if __name__ == "__main__":
    main()
