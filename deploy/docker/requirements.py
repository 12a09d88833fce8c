"""Print what packages need apart from each other: the layer of an image that sources leave alone.

python3 requirements.py shared/*/pyproject.toml services/critic/pyproject.toml
"""

import sys
import tomllib
from pathlib import Path

OWN = "daydream-"


def main() -> None:
    """Print one requirement per line, without extras."""
    files = [tomllib.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]]
    needed = {name for file in files for name in file["project"].get("dependencies", [])}
    print(*sorted(name for name in needed if not name.startswith(OWN)), sep="\n")


if __name__ == "__main__":
    main()
