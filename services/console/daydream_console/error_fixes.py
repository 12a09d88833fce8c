"""What a person can do about an error that carries a reason: for the API and the command."""

from __future__ import annotations

FIXES = {
    "cap-reached": "Raise the cap: daydream budget top-up 1.00",
    "invalid-cursor": "Start again without the cursor",
    "no-hypothesis": "Review one that has a hypothesis: daydream insights",
    "nothing-to-undo": "Reload: nothing has to be undone",
    "unknown-document": "List them: daydream documents",
    "unknown-fact": "Find it: daydream ask TEXT",
    "unknown-insight": "List them: daydream insights",
    "unknown-key": "List them: daydream gateway key list",
    "unknown-limit": "List them: daydream budget show",
    "unknown-verdict": "List them: daydream insights --all",
}
OF_CLIENT_ERRORS = "Correct the request. The API is described at /api/v1/openapi.json"


def fix_of(reason: str) -> str:
    """Return what to do about an error with this reason, or an empty text."""
    return FIXES.get(reason, "")
