"""`python -m daydream_critic.oracle`"""

from daydream_critic.oracle.app import build
from daydream_critic.oracle.settings import OracleSettings
from daydream_runtime.service import run


def main() -> None:
    """Run the oracle until it is stopped."""
    run(OracleSettings, build)


if __name__ == "__main__":
    main()
