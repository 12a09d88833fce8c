"""Make the record that `daydream bench --replay example` reads.

    PYTHONPATH=tests .venv/bin/python -m support.bench_example

The benchmark runs with all services on the notes of a quick one. A scripted endpoint of known rates
answers instead of a model, so the record is small and free, and says so.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from daydream_console.bench.record import EXAMPLE_FILE, read_record, write_record
from support.programs import Daydream, priced_endpoint

SIZE = ("--quick", "--daydreams", "150", "--minutes", "0")
REMARK = (
    "An example. A scripted endpoint answered, which knows the links: so this shows how to read a "
    "result, and says nothing of any model."
)


def main() -> None:
    """Run the benchmark and write the record into the package."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with priced_endpoint(folder, module="support.bench_endpoint") as endpoint:
            daydream = Daydream(folder / "user", endpoint)
            record_file = folder / "record.json.gz"
            options = ("--cap", "2", *SIZE, "--export", str(record_file))
            done = daydream("bench", *options, timeout_s=900)
            print(done.stdout, done.stderr)
            record = read_record(record_file)
    write_record(record.model_copy(update={"remark": REMARK}), EXAMPLE_FILE)


if __name__ == "__main__":
    main()
