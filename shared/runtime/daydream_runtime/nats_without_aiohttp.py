"""Import nats-py without aiohttp: import this first in a program that does not use aiohttp itself.

nats-py 2.16 imports it for WebSocket addresses, which no setting allows. It takes 8 MB of memory
and a tenth of a second of each start.
"""

import sys

if "nats" not in sys.modules and "aiohttp" not in sys.modules:
    sys.modules["aiohttp"] = None  # type: ignore[assignment]  # an import of it fails
    try:
        import nats.aio.transport  # noqa: F401
    finally:
        del sys.modules["aiohttp"]
