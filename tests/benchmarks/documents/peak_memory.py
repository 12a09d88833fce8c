"""The peak memory of each reader: its own process reads one large document."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.documents.corpus import large_documents
from benchmarks.figures import figure

PROGRAM = """
import json, re, sys
from pathlib import Path
from daydream_memory.chunking import texts_of
from daydream_memory.reading import read_document
def peak_kb():  # ru_maxrss would begin with the peak of the process that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
peaks = [peak_kb()]
path = Path(sys.argv[1])
result = read_document(path.read_bytes(), path.name)
facts = texts_of(result, source=path.name, chars_max=900).texts
peaks.append(peak_kb())
print(json.dumps({"status": result.status, "facts": len(facts), "peaks_kb": peaks}))
"""
MEGABYTES, QUICK_MEGABYTES = 4.0, 0.5
SEED = 0


def measure(*, quick: bool) -> None:
    """Print `reader_peak_mb` per kind of document."""
    megabytes = QUICK_MEGABYTES if quick else MEGABYTES
    with tempfile.TemporaryDirectory() as folder:
        for name, data in large_documents(megabytes, SEED).items():
            path = Path(folder) / name
            path.write_bytes(data)
            _print_peak(path)


def _print_peak(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True
    )
    reading = json.loads(done.stdout)
    assert reading["status"] == "read", reading
    idle, peak = reading["peaks_kb"]
    figure(
        "documents",
        "reader_peak_mb",
        [peak / 1024],
        "MB",
        seed=SEED,
        kind=path.suffix[1:],
        document_mb=round(path.stat().st_size / 1e6, 2),
        before_mb=round(idle / 1024, 1),
        facts=reading["facts"],
    )
