"""A worker that makes one call after another, each until it is answered: a process to be killed.

    python -m support.fleet_worker NAME FIRST RESERVATION PORT PORT

It prints one JSON line per event. When its input ends, it finishes its call and exits with 0. It
uses the standard library alone, so that it starts at once.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from itertools import count

MODEL = "priced-1"
RETRY_S = 0.1
TIMEOUT_S = 60.0


def body_of(call: str) -> dict[str, object]:
    """Return the request of a call: its text is its name."""
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": call}],
        "max_completion_tokens": 200,
    }


def main() -> None:
    """Work until the input ends."""
    name, first, reservation, key, *ports = sys.argv[1:]
    stopping = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stopping.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    for number in count(int(first)):
        call = f"{name} call {number}"
        say("begun", call, number)
        for turn in count(number):
            port = int(ports[turn % len(ports)])
            if ask(port, call, reservation, key):
                break
            time.sleep(RETRY_S)
        if stopping.is_set():
            return


def ask(port: int, call: str, reservation: str, key: str) -> bool:
    """Return whether a gateway has answered a call."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    headers = {
        "authorization": f"Bearer {key}",
        "content-type": "application/json",
        "x-daydream-call": call,
        "x-daydream-reservation": reservation,
    }
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body_of(call)), headers)
        response = connection.getresponse()
        content = response.read().decode()
    except (OSError, http.client.HTTPException) as error:
        say("refused", call, repr(error))
        return False
    finally:
        connection.close()
    is_answer = response.status == http.HTTPStatus.OK
    say("answered" if is_answer else "refused", call, content[:2000])
    return is_answer


def say(event: str, call: str, detail: object) -> None:
    """Print an event."""
    print(json.dumps({"event": event, "call": call, "detail": detail}), flush=True)


if __name__ == "__main__":
    main()
