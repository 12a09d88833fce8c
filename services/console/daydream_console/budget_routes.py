"""`POST /api/budget`: limits, pause, tax and counter-entries, as `daydream budget` makes them; `GET` shows the books.

The body is `{"change": {"kind": "limit", "window": "day", "cap_nanousd": …}, "who": …, "why": …}`, where `what` is any `Change` of the
budget's; with a `change_id` it is made once, however often it is sent. Whoever can change a cap can spend money, so it takes the token.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from daydream_console.request_models import posted
from daydream_contracts.rpc import ChangeBudget
from daydream_contracts.topology import BUDGET_CHANGE
from daydream_runtime.rpc import RpcClient


class BudgetChangeBody(ChangeBudget):
    """A change, under an id of its own unless one is given."""

    change_id: str = Field(default_factory=lambda: uuid4().hex, min_length=1, max_length=200)


def changes(ask: RpcClient, token: str) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint: 200 with the state of the books afterwards; 409 when the ledger refuses."""

    async def change(wanted: BudgetChangeBody) -> Response:
        answer = await ask(BUDGET_CHANGE, wanted)
        if answer.refusal is not None:
            return JSONResponse(
                {"error": answer.refusal.text, "reason": answer.refusal.reason}, 409
            )
        return Response(answer.state.model_dump_json(), media_type="application/json")

    return posted(BudgetChangeBody, change, token)
