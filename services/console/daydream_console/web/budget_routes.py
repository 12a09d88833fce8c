"""`POST /api/budget`: change limits, pause, tax and corrections, as `daydream budget` does.

The body is `{"change": {"kind": "limit", "window": "day", "cap_nanousd": …}, "who": …, "why": …}`.
`change` is any `Change` of the budget's. With a `change_id` it is made once, however often it is
sent. A change of a cap can spend money, so the endpoint needs the token.
"""

from __future__ import annotations

from uuid import uuid4

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from daydream_console.web.dependencies import services_of
from daydream_console.web.request_models import protected
from daydream_contracts.rpc import ChangeBudget
from daydream_contracts.topology import BUDGET_CHANGE


class BudgetChangeBody(ChangeBudget):
    """A change, with a random id unless the client sends one."""

    change_id: str = Field(default_factory=lambda: uuid4().hex, min_length=1, max_length=200)


async def change_budget(request: Request, body: BudgetChangeBody) -> Response:
    """Make the change. Send 200 with the new state, or 409 if the ledger refuses."""
    answer = await services_of(request).rpc.request(BUDGET_CHANGE, body)
    if answer.refusal is not None:
        refusal = {"error": answer.refusal.text, "reason": answer.refusal.reason}
        return JSONResponse(refusal, 409)
    return Response(answer.state.model_dump_json(), media_type="application/json")


ROUTES = (Route("/api/budget", protected(BudgetChangeBody, change_budget), methods=["POST"]),)
