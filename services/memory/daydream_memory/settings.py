"""Settings of the memory service."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from daydream_models.settings import ModelSettings, check_clearance
from daydream_runtime.settings import ServiceSettings


class EmbeddingSettings(BaseModel):
    """Which model makes vectors of texts, where it is not the embedded one."""

    name: str = Field(
        "",
        description="model name as the endpoint knows it, e.g. text-embedding-3-small; empty: the embedded model",
    )
    base_url: str = Field("https://api.openai.com/v1", description="any OpenAI-compatible endpoint")
    api_key: SecretStr = Field(SecretStr(""), description="key of that endpoint")
    provider: str = Field("", description="whose price list applies; empty: found by the base URL")
    free: bool = Field(
        False, description="declare the model free of charge, e.g. one that runs on this machine"
    )
    dimensions: int = Field(
        0,
        ge=0,
        le=8192,
        description="length of its vectors, for models that can shorten them; 0: as they come",
    )
    batch: int = Field(64, ge=1, le=2048, description="texts in a call")
    timeout_s: float = Field(60.0, gt=0, le=3600, description="limit of one call")
    clearance: str = Field(
        "",
        description="highest clearance of facts that this endpoint may see; the embedded model sees all",
    )

    def as_model(self) -> ModelSettings:
        """For what is the same with every model: endpoint and price."""
        return ModelSettings(
            name=self.name,
            base_url=self.base_url,
            api_key=self.api_key,
            provider=self.provider,
            free=self.free,
            timeout_s=self.timeout_s,
        )


class WeaviateSettings(BaseModel):
    """A Weaviate server as the store, in place of the embedded one. `https` means TLS for both of its APIs; a certificate authority of your own is
    given to Python and gRPC as usual: SSL_CERT_FILE and GRPC_DEFAULT_SSL_ROOTS_FILE_PATH."""

    url: str = Field(
        "",
        pattern=r"^(https?://[^/]+)?/?$",
        description="e.g. http://weaviate:8080; empty: the embedded store",
    )
    grpc_url: str = Field(
        "",
        pattern=r"^(https?://[^/]+)?/?$",
        description="its gRPC API; empty: the same host, port 50051 (443 with https)",
    )
    api_key: SecretStr = Field(SecretStr(""), description="its key, where it wants one")
    tenant: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_-]{0,64}$",
        description="the tenant of this memory, where several share the collections",
    )
    prefix: str = Field(
        "Daydream",
        pattern=r"^[A-Z][A-Za-z0-9_]{0,60}$",
        description="what the names of the collections begin with",
    )
    consistency: Literal["ONE", "QUORUM", "ALL"] = Field(
        "QUORUM", description="how many replicas must have done a read or a write"
    )
    replicas: int = Field(
        1, ge=1, le=9, description="copies of each object, when the collections are made"
    )
    timeout_s: float = Field(30.0, gt=0, le=600, description="limit of one call")


class MemorySettings(ServiceSettings):
    """`DAYDREAM_MEMORY_…`"""

    service: ClassVar[str] = "memory"

    store: str = Field(
        "",
        description="store to use: embedded, weaviate, or one that a package adds; "
        "empty: weaviate if its URL is set, else embedded",
    )
    folder: str = Field("memory", description="folder of the embedded store")
    weaviate: WeaviateSettings = Field(
        default_factory=WeaviateSettings, description="a Weaviate server as the store"
    )
    chunk_chars: int = Field(900, ge=200, le=8000, description="most characters of one fact")
    quarantine: bool = Field(
        False,
        description="promoted hypotheses wait for a person's word (daydream review) before they become facts",
    )
    embedding: EmbeddingSettings = Field(
        default_factory=EmbeddingSettings, description="a model of your own for vectors"
    )
    previous: EmbeddingSettings = Field(
        default_factory=EmbeddingSettings,
        description="the model of vectors until now, while another one takes over, where it is not the embedded one",
    )
    prices_file: str = Field(
        "", description="TOML file with prices that the built-in list lacks or has wrong"
    )
    embed_threads: int = Field(1, ge=1, le=64, description="threads of the embedding model")
    concurrency: int = Field(
        4, ge=1, le=64, description="verdicts and documents worked on at a time"
    )

    @model_validator(mode="after")
    def _known_clearance(self) -> Self:
        check_clearance(self.clearances, "MEMORY_EMBEDDING", self.embedding.clearance)
        check_clearance(self.clearances, "MEMORY_PREVIOUS", self.previous.clearance)
        return self
