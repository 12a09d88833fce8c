"""Settings of the sampler."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from daydream_contracts.topology import CONSUMERS
from daydream_runtime.settings import ServiceSettings, StringList
from daydream_sampler.scheduling.calendar import Hours, PriceTable
from daydream_sampler.scheduling.idle import VLLM, Idle, IdleThresholds, load_of
from daydream_sampler.scheduling.interface import Always, DrawSchedule


class SamplerSettings(ServiceSettings):
    """`DAYDREAM_SAMPLER_…`"""

    service: ClassVar[str] = "sampler"

    samples: int = Field(1, ge=1, le=16, description="hypotheses per pair")
    pairs_ahead: int = Field(
        16,
        ge=1,
        le=100_000,
        description="maximum pairs pending or in progress; at least the calls in flight of all "
        "synthesizers",
    )
    stages: StringList = Field(
        ("synthesizer", "critic", "oracle"),
        description="stages that a reservation pays for; without the oracle, what the judges "
        "promote is not examined",
    )
    seed: int = Field(0, description="key of the permutation; read when the first pair is drawn")
    strategies: StringList = Field(
        ("stratified", "importance", "anchored", "unseen", "reservoir", "learned", "recheck"),
        description="strategies beside uniform; none: uniform alone",
    )
    uniform_floor: float = Field(
        0.1,
        gt=0,
        le=1,
        description="minimum share of draws that measure: half uniform over all pairs, half over "
        "strata of closeness and domain",
    )
    recheck_after_days: float = Field(
        90.0, gt=0, description="age at which a discarded pair is drawn again"
    )
    generated_share_max: float = Field(
        0.5,
        ge=0,
        le=1,
        description="maximum share of draws that may use a generated fact; uniform draws are not "
        "limited",
    )
    same_document: bool = Field(
        False,
        description="whether a pair may have two facts of one document",
    )
    screen: bool = Field(
        False,
        description="whether a cheap call ranks pairs before they are written about; it drops the"
        " worse ones once that has been shown to pay. Its model must give token probabilities",
    )
    schedule: Literal["always", "calendar", "idle"] = Field(
        "always",
        description="when to draw: always, in cheap hours (calendar), or while the lab's "
        "inference servers are idle",
    )
    zone: str = Field("UTC", description="time zone of the calendar")
    cheap_hours: StringList = Field(
        ("22-6",),
        description="calendar without a price table: cheap hours of the day, e.g. 22-6,12-14",
    )
    price_table: str = Field(
        "",
        description="calendar: CSV file with the columns start and price; read again when it "
        "changes",
    )
    price_max: float = Field(0.0, description="price table: maximum price of a cheap hour")
    idle_metrics_urls: StringList = Field(
        (), description="idle: /metrics URLs of the lab's inference servers"
    )
    idle_metrics: StringList = Field(
        VLLM, description="idle: names of the metrics whose sum is the load"
    )
    idle_at: float = Field(
        0.0, ge=0, description="idle: maximum load, in requests, of idle servers"
    )
    busy_at: float = Field(
        8.0,
        ge=0,
        description="idle: load above which servers are busy; more than daydream's own calls there",
    )
    idle_after_s: float = Field(
        30.0, ge=0, description="idle: how long servers must be idle before drawing starts"
    )
    idle_poll_s: float = Field(2.0, gt=0, description="idle: seconds between two polls")
    catch_up: float = Field(
        2.0,
        ge=1,
        le=16,
        description="idle: factor on the pairs ahead after a busy spell, for as long as it was",
    )
    canary_share: float = Field(
        0.02,
        ge=0,
        le=0.5,
        description="canary hypotheses per drawn pair, to measure the critic; their cost has the "
        "purpose canary",
    )
    canary_folder: str = Field(
        "", description="folder with your own bridges.toml and decoys.toml; empty: bundled ones"
    )
    enabled: bool = Field(True, description="false: answer requests, but draw nothing")
    pairs_max: int | None = Field(
        None, ge=0, description="maximum pairs to draw until a goal is set; unset: no limit"
    )

    def draw_schedule(self) -> DrawSchedule:
        """Return what says when to draw. Raise ConfigurationError for an unreadable price table."""
        if self.schedule == "calendar":
            zone = ZoneInfo(self.zone)
            if self.price_table:
                return PriceTable(Path(self.price_table), self.price_max, zone)
            return Hours.parse(self.cheap_hours, zone)
        if self.schedule == "idle":
            thresholds = IdleThresholds(
                self.idle_at, self.busy_at, self.idle_after_s, self.idle_poll_s, self.catch_up
            )
            return Idle(lambda: load_of(self.idle_metrics_urls, self.idle_metrics), thresholds)
        return Always()

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"unknown time zone {zone!r}; an example is Europe/Zurich") from None
        return zone

    @field_validator("cheap_hours")
    @classmethod
    def _valid_hours(cls, hours: tuple[str, ...]) -> tuple[str, ...]:
        Hours.parse(hours, ZoneInfo("UTC"))
        return hours

    @field_validator("stages")
    @classmethod
    def _known_stages(cls, stages: tuple[str, ...]) -> tuple[str, ...]:
        unknown = set(stages) - {consumer.service for consumer in CONSUMERS}
        if unknown:
            raise ValueError(f"unknown stage {', '.join(sorted(unknown))}")
        return stages

    @model_validator(mode="after")
    def _idle_is_complete(self) -> Self:
        urls = self.idle_metrics_urls
        is_complete = urls and all(url.startswith(("http://", "https://")) for url in urls)
        if self.schedule == "idle" and not is_complete:
            raise ValueError("idle needs idle_metrics_urls, each with http:// or https://")
        if self.busy_at < self.idle_at:
            raise ValueError("busy_at is below idle_at")
        return self
