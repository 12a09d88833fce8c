"""Inject collaborators from the application's context into handlers."""

from __future__ import annotations

from typing import Any, get_type_hints

from fast_depends.library import CustomField


class FromContext(CustomField):
    """Fill a handler's parameter with the context entry of the same name.

    Write `synthesizer: Annotated[Synthesizer, FromContext()]`. FastStream's `Context()` is not
    used, for two reasons. FastDepends resolves it in a worker thread, per parameter and message,
    which costs 1.5 times the CPU. A missing entry makes it raise a ValidationError, as if the
    message were invalid, and that message would become a dead letter.
    """

    def __init__(self) -> None:
        super().__init__(cast=False)

    async def use(self, /, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """Add the collaborator to the arguments.

        Raise LookupError if the context lacks the name.
        """
        name = str(self.param_name)
        collaborator = kwargs["context__"].get(name)
        if collaborator is None:
            raise LookupError(f"the context holds no {name!r}")
        return kwargs | {name: collaborator}


def injected_names(handler: Any) -> list[str]:
    """Return the names of the parameters that a handler takes from the context."""
    hints = get_type_hints(handler, include_extras=True)
    return [name for name, hint in hints.items() if _is_injected(hint)]


def _is_injected(hint: Any) -> bool:
    return any(isinstance(extra, FromContext) for extra in getattr(hint, "__metadata__", ()))
