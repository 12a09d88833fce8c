"""Settings of the memory service."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from daydream_contracts.errors import ConfigurationError
from daydream_memory.sandbox.limits import SandboxLimits
from daydream_models.settings import GatewayAddress, check_clearance
from daydream_runtime.settings import ServiceSettings

SERVER_URL = r"^(https?://[^/]+)?/?$"


class EmbeddingSettings(BaseModel):
    """The model that makes vectors of texts, if it is not the bundled one."""

    name: str = Field(
        "",
        description="model name as the gateway knows it, e.g. text-embedding-3-small; "
        "empty: the bundled model",
    )
    dimensions: int = Field(
        0,
        ge=0,
        le=8192,
        description="dimensions of the vectors, for models that can shorten them; "
        "0: the model's default",
    )
    batch: int = Field(64, ge=1, le=2048, description="texts per call")
    clearance: str = Field(
        "",
        description="highest clearance of facts that this model may see; "
        "the bundled model sees all",
    )


class SandboxSettings(BaseModel):
    """The processes that read documents. Each limit is for one document."""

    workers: int = Field(2, ge=1, le=64, description="documents that are read at once")
    memory_mb: int = Field(
        448, ge=128, le=65_536, description="memory of one such process, with its libraries"
    )
    cpu_s: int = Field(20, ge=1, le=3600, description="processor time")
    wall_s: float = Field(25.0, ge=1, le=3600, description="time in all")
    output_mb: int = Field(32, ge=1, le=1024, description="text that a document may give")
    open_files: int = Field(16, ge=8, le=1024, description="files open at once")
    documents_per_worker: int = Field(
        25,
        ge=1,
        le=10_000,
        description="documents until a process is replaced; 1: no document can change how another "
        "is read, and small ones take ten times as long",
    )
    strict: bool = Field(
        False,
        description="end with an error where the system cannot keep these processes from network "
        "and files; otherwise the log says so",
    )

    def limits(self) -> SandboxLimits:
        """Return the limits of one document."""
        names = {limit.name for limit in fields(SandboxLimits)}
        return SandboxLimits(**self.model_dump(include=names))


class WeaviateSettings(BaseModel):
    """A Weaviate server as the store.

    `https` means TLS for both of its APIs. Python and gRPC read your own certificate authority as
    usual, from SSL_CERT_FILE and GRPC_DEFAULT_SSL_ROOTS_FILE_PATH.
    """

    url: str = Field(
        "",
        pattern=SERVER_URL,
        description="e.g. http://weaviate:8080; empty: the SQLite store",
    )
    grpc_url: str = Field(
        "",
        pattern=SERVER_URL,
        description="its gRPC API; empty: the same host, port 50051 (443 with https)",
    )
    api_key: SecretStr = Field(SecretStr(""), description="its key, if it needs one")
    tenant: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_-]{0,64}$",
        description="tenant of this memory, if several share the collections",
    )
    prefix: str = Field(
        "Daydream",
        pattern=r"^[A-Z][A-Za-z0-9_]{0,60}$",
        description="prefix of the names of the collections",
    )
    consistency: Literal["ONE", "QUORUM", "ALL"] = Field(
        "QUORUM", description="how many replicas must confirm a read or a write"
    )
    replicas: int = Field(
        1, ge=1, le=9, description="copies of each object; applied when the collections are created"
    )
    timeout_s: float = Field(30.0, gt=0, le=600, description="limit of one call")


class MemorySettings(ServiceSettings):
    """`DAYDREAM_MEMORY_…`"""

    service: ClassVar[str] = "memory"

    store: str = Field(
        "",
        description="store to use: sqlite, weaviate, or one that a package adds; "
        "empty: weaviate if its URL is set, else sqlite",
    )
    folder: str = Field("memory", description="folder of the SQLite store")
    weaviate: WeaviateSettings = Field(
        default_factory=WeaviateSettings, description="a Weaviate server as the store"
    )
    chunk_chars: int = Field(900, ge=200, le=8000, description="maximum characters of one fact")
    sandbox: SandboxSettings = Field(
        default_factory=SandboxSettings, description="the processes that read documents"
    )
    password_file: str = Field(
        "",
        description="file with passwords that are tried on encrypted PDF and Office documents, "
        "one a line",
    )
    quarantine: bool = Field(
        False,
        description="a review (daydream review) must accept promoted hypotheses before they "
        "become facts",
    )
    embedding: EmbeddingSettings = Field(
        default_factory=EmbeddingSettings,
        description="another embedding model than the bundled one",
    )
    previous: EmbeddingSettings = Field(
        default_factory=EmbeddingSettings,
        description="previous embedding model, if it is not the bundled one; needed while another "
        "one replaces it",
    )
    gateway: GatewayAddress = Field(
        default_factory=GatewayAddress, description="the gateway to the models"
    )
    embed_threads: int = Field(1, ge=1, le=64, description="threads of the embedding model")
    concurrency: int = Field(4, ge=1, le=64, description="verdicts and documents processed at once")

    def passwords(self) -> tuple[str, ...]:
        """Return the passwords of the file. Raise ConfigurationError if it can't be read."""
        if not self.password_file:
            return ()
        try:
            lines = Path(self.password_file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeError) as error:
            raise ConfigurationError(
                f"The file with passwords can't be read: {error}",
                "Set DAYDREAM_MEMORY_PASSWORD_FILE to a text file",
            ) from None
        return tuple(line for line in lines if line)

    @model_validator(mode="after")
    def _known_clearance(self) -> Self:
        check_clearance(self.clearances, "MEMORY_EMBEDDING", self.embedding.clearance)
        check_clearance(self.clearances, "MEMORY_PREVIOUS", self.previous.clearance)
        return self
