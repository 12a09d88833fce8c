"""The forking process: starts with an empty environment, loads the readers, forks the workers.

It never touches a document, so each worker is clean, and costs milliseconds instead of the import
of the readers. On its socket:

    in   "fork" and the socket of the new worker; "kill PID"
    out  {"loaded"}; {"pid"} for each fork; {"ended", "status", "rss_mb", "cpu_s"} for each end

It alone ends and collects workers, so a number of a process never means another one. When the
service goes, the socket ends, and with this process all workers.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

from daydream_memory.sandbox.limits import SandboxLimits
from daydream_memory.sandbox.worker import CHANNEL, ReadAnswers, work

CONTROL_BYTES = 4096
OUT_OF_MEMORY_FIRST = "1000"
NICENESS = 5


def main(control: socket.socket, settings: dict[str, Any]) -> None:
    """Fork a worker for each socket that arrives, and tell how each ended."""
    module = importlib.import_module(settings["module"])
    module.warm_up()
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
        score.write(OUT_OF_MEMORY_FIRST)  # workers go before the service
    os.nice(NICENESS)  # searches and embedding come before reading
    gc.freeze()  # what is loaded stays shared with the workers
    limits = SandboxLimits(**settings["limits"])
    Forks(control, module.read, limits, frozenset(settings["without"])).run()


class Forks:
    """Forks, kills and collects workers."""

    def __init__(
        self,
        control: socket.socket,
        read: ReadAnswers,
        limits: SandboxLimits,
        without: frozenset[str],
    ) -> None:
        self.control, self.read, self.limits, self.without = control, read, limits, without
        self.running: set[int] = set()
        self.awoken, self.waker = os.pipe()
        for descriptor in (self.awoken, self.waker):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.waker, warn_on_full_buffer=False)

    def run(self) -> None:
        """Serve until the service closes its end."""
        self._tell({"loaded": True})
        while True:
            ready = select.select([self.control.fileno(), self.awoken], [], [])[0]
            if self.awoken in ready:
                os.read(self.awoken, CONTROL_BYTES)
                self._collect()
            if self.control.fileno() in ready and not self._obey():
                return

    def _obey(self) -> bool:
        data, sockets, _, _ = socket.recv_fds(self.control, CONTROL_BYTES, 1)
        for line in data.decode().splitlines():
            order, _, pid = line.partition(" ")
            if order == "fork":
                self._fork(sockets.pop())
            elif int(pid) in self.running:
                os.kill(int(pid), signal.SIGKILL)
        return bool(data)

    def _fork(self, channel: int) -> None:
        pid = os.fork()
        if not pid:
            os._exit(self._become_worker(channel))
        os.close(channel)
        self.running.add(pid)
        self._tell({"pid": pid})

    def _become_worker(self, channel: int) -> int:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):  # warnings quote the document
            os.dup2(nowhere, standard)
        os.dup2(channel, CHANNEL)
        for name in os.listdir("/dev/fd"):
            if int(name) > CHANNEL:
                with suppress(OSError):  # the one that lists them
                    os.close(int(name))
        return work(self.read, self.limits, self.without)

    def _collect(self) -> None:
        while self.running:
            pid, status, used = os.wait4(-1, os.WNOHANG)
            if not pid:
                return
            self.running.discard(pid)
            self._tell(
                {
                    "ended": pid,
                    "status": os.waitstatus_to_exitcode(status),
                    "rss_mb": used.ru_maxrss >> (20 if sys.platform == "darwin" else 10),
                    "cpu_s": round(used.ru_utime + used.ru_stime, 2),
                }
            )

    def _tell(self, message: dict[str, Any]) -> None:
        self.control.sendall(json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    arguments = json.loads(sys.argv[2])
    with suppress(ConnectionError):  # the service has gone
        main(socket.socket(fileno=int(sys.argv[1])), arguments)
