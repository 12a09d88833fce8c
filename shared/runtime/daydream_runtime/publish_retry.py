"""Publish again when a cluster says so. Imports no FastStream: commands publish, and start fast."""

from __future__ import annotations

from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

from daydream_runtime.broker_errors import DUPLICATE_IN_PROCESS, error_code

PUBLISH_TIMEOUT_S = 5.0  # FastStream's default is 0.5 s
IN_PROCESS_WAIT_S_MAX = 0.3

retry_while_in_process = retry(
    retry=retry_if_exception(lambda error: error_code(error) == DUPLICATE_IN_PROCESS),
    wait=wait_random(max=IN_PROCESS_WAIT_S_MAX),
    stop=stop_after_delay(PUBLISH_TIMEOUT_S),
    reraise=True,
)
"""Publish again while a cluster still replicates the first copy of the same message."""
