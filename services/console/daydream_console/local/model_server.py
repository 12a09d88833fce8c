"""`python -m daydream_console.local.model_server`: serve a GGUF file on an OpenAI-compatible
endpoint, until SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence


def main() -> None:
    """Serve the model until SIGTERM or SIGINT."""
    options = _options(sys.argv[1:])
    try:
        import xllamacpp  # noqa: PLC0415 (optional: only needed to serve a model)
    except ImportError:
        message = "The runtime for local models is not installed. Run pip install xllamacpp."
        print(message, file=sys.stderr)  # noqa: T201
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
    params.cache_prompt = False  # with it, answers for the same seed differ
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = os.cpu_count() or 2
    server = xllamacpp.Server(params)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    del server
    os._exit(0)  # the server's own threads need seconds to end, and there is nothing left to save


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, help="GGUF file")
    parser.add_argument("--name", required=True, help="name of the model")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--slots", type=int, default=1, help="concurrent calls")
    parser.add_argument("--context", type=int, default=4096, help="tokens per slot")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
