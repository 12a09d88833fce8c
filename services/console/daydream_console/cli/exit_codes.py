"""The exit codes of all commands."""

from __future__ import annotations

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_WRONG_SETTING = 2
EXIT_CAP_REACHED = 3
EXIT_INTERRUPTED = 130

EXIT_CODES = {
    EXIT_DONE: "done",
    EXIT_FAILED: "failed, an audit found something wrong, or you answered no to a question",
    EXIT_WRONG_SETTING: "wrong option or setting; the message says how to fix it",
    EXIT_CAP_REACHED: "a run ended because a cap was reached; everything else went well",
    EXIT_INTERRUPTED: "stopped by Ctrl-C",
}
