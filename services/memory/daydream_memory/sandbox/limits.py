"""What one document may cost, and the limits that the kernel keeps for a worker."""

from __future__ import annotations

import os
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
STOPPED = "reading stopped: "
NEAR_LIMIT = 0.85
UNMAPPED_MB = 24  # of libraries that are mapped and not in memory yet: it comes on top of RLIMIT_AS


@dataclass(frozen=True)
class SandboxLimits:
    """Limits of one document. The service checks wall time and output, the kernel the rest."""

    memory_mb: int = 448  # resident, with the interpreter and the readers
    cpu_s: int = 20
    wall_s: float = 25.0
    output_mb: int = 32
    open_files: int = 16
    documents_per_worker: int = 25


@dataclass(frozen=True)
class WorkerEnd:
    """How a worker ended and what it had used. A negative `status` is a signal."""

    status: int
    rss_mb: int
    cpu_s: float

    def reason(self, limits: SandboxLimits) -> str:
        """Say why, in words for the person who added the document."""
        if self.status == -signal.SIGXCPU:
            return cpu_reason(limits)
        if self.status < 0 and self.rss_mb > limits.memory_mb * NEAR_LIMIT:
            return memory_reason(limits)  # C libraries crash where they get no memory
        if self.status == -signal.SIGKILL:
            return f"{STOPPED}the system ended the reader, as it does when memory runs out"
        if self.status < 0:
            return f"{STOPPED}the reader ended with {signal.Signals(-self.status).name}"
        return f"{STOPPED}the reader ended with code {self.status}"


def memory_reason(limits: SandboxLimits) -> str:
    """Return what the report says about a document that needed too much memory."""
    return f"{STOPPED}it needed more than {limits.memory_mb} MB of memory"


def cpu_reason(limits: SandboxLimits) -> str:
    """Return what the report says about a document that needed too much processor time."""
    return f"{STOPPED}it needed more than {limits.cpu_s} s of processor time"


def wall_reason(limits: SandboxLimits) -> str:
    """Return what the report says about a document that took too long."""
    return f"{STOPPED}it took more than {limits.wall_s:g} s"


def output_reason(limits: SandboxLimits) -> str:
    """Return what the report says about a document with too much text."""
    return f"{STOPPED}its text is larger than {limits.output_mb} MB. Split it"


def usage(pid: int) -> tuple[float, float]:
    """Return resident memory in MB and CPU seconds of a process.

    Both are 0 when it is gone, and on a system without `/proc`.
    """
    try:
        rss_pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (OSError, IndexError):
        return 0.0, 0.0
    return rss_pages * PAGE_BYTES / 2**20, (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def peak_mb(pid: int) -> int:
    """Return the most resident memory that a process has had in MB, 0 if that is not known."""
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return 0
    _, label, rest = status.partition(b"VmHWM:")
    return int(rest.split(None, 1)[0]) >> 10 if label else 0


def limit_process(limits: SandboxLimits) -> None:
    """Set the limits that hold for the worker's whole life. It cannot raise them.

    RLIMIT_AS counts address space, so the limit is what is mapped now plus what may still be added:
    resident memory then cannot exceed `memory_mb`. A watcher alone could be outrun.
    """
    cpu_s = 1 + limits.documents_per_worker * (limits.cpu_s + 1)
    hard = {
        resource.RLIMIT_FSIZE: 0,  # a worker writes no files
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CPU: cpu_s,
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform == "linux":
        virtual_pages, resident_pages = Path("/proc/self/statm").read_bytes().split()[:2]
        growth = (limits.memory_mb - UNMAPPED_MB << 20) - int(resident_pages) * PAGE_BYTES
        hard[resource.RLIMIT_AS] = int(virtual_pages) * PAGE_BYTES + max(0, growth)
    for kind, limit in hard.items():
        with suppress(ValueError):  # the system's own limit is lower
            resource.setrlimit(kind, (limit, limit))


def limit_document(limits: SandboxLimits) -> None:
    """Allow `cpu_s` from now on. SIGXCPU then ends the worker, in C code too.

    The soft limit is for one document, because a hard one cannot be raised again.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + limits.cpu_s
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    with suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (min(soft, hard), hard))
