"""`python -m daydream_console.local.model_server`: serves a GGUF file on an OpenAI-compatible endpoint, until SIGTERM."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--context", type=int, default=4096, help="tokens per slot")
    options = parser.parse_args()
    try:
        import xllamacpp  # noqa: PLC0415 (an extra: only who serves a model needs it)
    except ImportError:
        print(
            "the runtime for local models is not installed. pip install xllamacpp", file=sys.stderr
        )  # noqa: T201
        sys.exit(2)
    params = xllamacpp.CommonParams()
    params.model.path = options.weights
    params.model_alias = {options.name}
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.n_parallel = options.slots
    params.n_ctx = options.context * options.slots
    params.n_gpu_layers = 0
    params.fit_params = False
    params.ui = False
    params.verbosity = 1
    params.cache_ram_mib = 64
    params.cache_prompt = False  # answers are the same for the same seed only without it
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = os.cpu_count() or 2
    server = xllamacpp.Server(params)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    del server
    os._exit(0)  # the server's own threads take seconds to end, and nothing is left to save


if __name__ == "__main__":
    main()
