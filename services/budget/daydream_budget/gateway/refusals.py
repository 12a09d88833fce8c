"""Why a caller gets no answer, in OpenAI's shape, with a disposition that a program can read."""

from __future__ import annotations

from typing import Any

from daydream_contracts.gateway_http import DISPOSITION_HEADER, Disposition

TEXT_CHARS_MAX = 500
STOP_RETRY_S = 1.0
STATUS_WORDS = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error"}


class CallRefusedError(Exception):
    """A request without an answer. `code` is short and stable; `text` is for people."""

    def __init__(
        self,
        status: int,
        code: str,
        text: str,
        disposition: Disposition,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text[:TEXT_CHARS_MAX]
        self.disposition = disposition
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, Any]:
        """Return the error as OpenAI's API writes it, with two fields more."""
        return {
            "error": {
                "message": self.text,
                "type": STATUS_WORDS.get(self.status, "gateway_error"),
                "param": None,
                "code": self.code,
                "disposition": self.disposition,
                "retry_after_s": self.retry_after_s,
            }
        }

    def headers(self) -> dict[str, str]:
        """Return what tells OpenAI's own clients whether their retries make sense."""
        retry = self.disposition in ("wait", "retry")
        headers = {"x-should-retry": str(retry).lower(), DISPOSITION_HEADER: self.disposition}
        if self.retry_after_s is not None:
            headers["retry-after"] = f"{self.retry_after_s:.3f}"
        return headers

    @classmethod
    def of_reused_id(cls) -> CallRefusedError:
        """Return the refusal of a call id that belongs to another request."""
        text = "the call id was used for another request; use a new one"
        return cls(409, "call_id_reused", text, "reject")

    @classmethod
    def of_call_in_flight(cls, retry_after_s: float) -> CallRefusedError:
        """Return the refusal of a call that another replica works on."""
        return cls(503, "in_flight", "the call is in flight elsewhere", "wait", retry_after_s)

    @classmethod
    def of_stop(cls) -> CallRefusedError:
        """Return the refusal of a replica that stops. Another one answers, or this one later."""
        return cls(503, "stopping", "this gateway is stopping", "wait", STOP_RETRY_S)

    @classmethod
    def of_lost_call(cls, owner_crashes: int) -> CallRefusedError:
        """Return the refusal of a call in which gateways died."""
        text = f"{owner_crashes} gateways died in this call; it is not paid again"
        return cls(422, "call_lost", text, "reject")

    @classmethod
    def of_invalid_request(cls, text: str) -> CallRefusedError:
        """Return the refusal of a request that can never be answered."""
        return cls(400, "invalid_request", text, "reject")
