"""Requests to the gateway besides model calls: prices of requests, issued keys, and its state.

Model calls go over HTTP, so that any OpenAI client can make them.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, model_validator

from daydream_contracts.events import ContractModel

NAME_CHARS_MAX = 100


class QuoteRequest(ContractModel):
    """Ask what the tokens of a model cost."""

    model: str


class Quote(ContractModel):
    """The highest prices of a model's tokens, for planning. Nothing is billed by them.

    `problem` and `fix` say why the model can't be asked, e.g. because it has no price.
    """

    problem: str = ""
    fix: str = ""
    call_nanousd: int = Field(default=0, ge=0, description="fee of a call")
    input_token_nanousd: int = Field(default=0, ge=0)
    output_token_nanousd: int = Field(default=0, ge=0)
    reasoning_tokens: int = Field(
        default=0, ge=0, description="thought that is asked for besides the visible answer"
    )


class IssuedKey(ContractModel):
    """A key that the gateway issued to a program of the lab. Its secret is not stored.

    `key_id` names it in the ledger, in limits (`key:<key_id>`) and in metrics.
    """

    key_id: str
    team: str = Field(min_length=1, max_length=NAME_CHARS_MAX)
    purpose: str = Field(min_length=1, max_length=NAME_CHARS_MAX)
    created_at: datetime
    created_by: str = ""
    revoked_at: datetime | None = None
    revoked_by: str = ""


class AddKey(ContractModel):
    """Issue a key. `secret_sha256` is the digest of a secret that only its owner holds."""

    secret_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    team: str = Field(min_length=1, max_length=NAME_CHARS_MAX, pattern=r"^[^\s:*>.]+$")
    purpose: str = Field(min_length=1, max_length=NAME_CHARS_MAX, pattern=r"^[^\s:*>.]+$")
    who: str = Field(min_length=1, max_length=NAME_CHARS_MAX)


class RevokeKey(ContractModel):
    """Revoke a key, by its id. Calls in progress end."""

    key_id: str
    who: str = Field(min_length=1, max_length=NAME_CHARS_MAX)


class KeyList(ContractModel):
    """Issued keys, the oldest first; revoked ones stay listed."""

    keys: tuple[IssuedKey, ...] = ()


class ModelState(ContractModel):
    """What the gateway knows of a model that was asked.

    `stopped` is the provider's reason why someone must act; then nothing is drawn.
    """

    model: str
    provider: str
    base_url: str
    source: str = Field(default="", description="where its price comes from")
    stopped: str = ""
    waiting_for: str = Field(default="", description="why calls wait at the moment")
    in_flight: int = 0
    waiting: int = 0
    learned: tuple[str, ...] = Field(default=(), description="what refusals and the probe taught")


class GatewayState(ContractModel):
    """The state of one replica of the gateway."""

    instance: str
    models: tuple[ModelState, ...] = ()

    @model_validator(mode="after")
    def _sorted(self) -> GatewayState:
        names = [model.model for model in self.models]
        if names != sorted(names):
            raise ValueError("models are listed by name")
        return self
