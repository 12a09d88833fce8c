"""Settings of the sampler."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from daydream_contracts.topology import CONSUMERS
from daydream_runtime.settings import ServiceSettings
from daydream_sampler.scheduling.calendar import Hours, PriceTable
from daydream_sampler.scheduling.idle import VLLM, Idle, IdleThresholds, load_of
from daydream_sampler.scheduling.interface import Always, DrawSchedule


class SamplerSettings(ServiceSettings):
    """`DAYDREAM_SAMPLER_…`"""

    service: ClassVar[str] = "sampler"

    samples: int = Field(1, ge=1, le=16, description="hypotheses wanted from each pair")
    pairs_ahead: int = Field(
        16,
        ge=1,
        le=256,
        description="pairs that may wait or be worked on before no more are drawn: at least the calls in flight of all synthesizers",
    )
    stages: str = Field(
        "synthesizer,critic,oracle",
        description="stages that a reservation must pay for; without the oracle, what the judges promote is not examined",
    )
    seed: int = Field(
        0, description="key of the permutation; read once, when the first pair is drawn"
    )
    strategies: str = Field(
        "importance,anchored,unseen,reservoir,learned,recheck",
        description="strategies beside uniform, separated by commas; none: uniform alone",
    )
    uniform_floor: float = Field(
        0.1, gt=0, le=1, description="least share of the draws that is uniform over all pairs"
    )
    recheck_after_days: float = Field(
        90.0, gt=0, description="age at which a pair that was judged dull is drawn again"
    )
    generated_share_max: float = Field(
        0.5,
        ge=0,
        le=1,
        description="most of all draws that may have a fact that this system made; uniform draws, which take what comes, are not held back",
    )
    when: Literal["always", "calendar", "idle"] = Field(
        "always",
        description="when to draw: always, in cheap hours, or while the lab's servers have room",
    )
    zone: str = Field("UTC", description="time zone of the calendar")
    cheap_hours: str = Field(
        "22-6",
        description="for the calendar without a price table: spans of hours of the day, like 22-6, 12-14",
    )
    price_table: str = Field(
        "",
        description="for the calendar: CSV with the columns start and price; read again when it changes",
    )
    price_max: float = Field(
        0.0, description="for the price table: hours at this price or below are cheap"
    )
    idle_metrics_urls: str = Field(
        "", description="for idle: the /metrics of the lab's inference servers, separated by commas"
    )
    idle_metrics: str = Field(
        ",".join(VLLM), description="for idle: names of the metrics whose sum is the load"
    )
    idle_at: float = Field(
        0.0, ge=0, description="for idle: the load, in requests, at or below which they are idle"
    )
    busy_at: float = Field(
        8.0,
        ge=0,
        description="for idle: the load above which they are busy; above what daydream itself has there at a time",
    )
    idle_after_s: float = Field(
        30.0, ge=0, description="for idle: how long they must have been idle"
    )
    idle_poll_s: float = Field(2.0, gt=0, description="for idle: how often to ask them")
    catch_up: float = Field(
        2.0,
        ge=1,
        le=16,
        description="for idle: how many times the pairs ahead there may be after a busy spell, for as long as it was",
    )
    canary_share: float = Field(
        0.02,
        ge=0,
        le=0.5,
        description="planted hypotheses for each pair that is drawn, to measure the critic with; their cost is the purpose `canary`",
    )
    canary_folder: str = Field(
        "",
        description="a folder with bridges.toml and decoys.toml of your own instead of those that come along",
    )
    draws: bool = Field(True, description="off: it answers what is asked and draws nothing")
    pairs_max: int | None = Field(
        None, ge=0, description="pairs that may be drawn before anybody sets a goal; unset: no end"
    )

    def occasion(self) -> DrawSchedule:
        """What says when to draw. ConfigurationError when its price table can't be read."""
        if self.when == "calendar":
            zone = ZoneInfo(self.zone)
            return (
                PriceTable(Path(self.price_table), self.price_max, zone)
                if self.price_table
                else Hours.parse(self.cheap_hours, zone)
            )
        if self.when == "idle":
            urls, names = (
                [part.strip() for part in text.split(",") if part.strip()]
                for text in (self.idle_metrics_urls, self.idle_metrics)
            )
            at = IdleThresholds(
                self.idle_at, self.busy_at, self.idle_after_s, self.idle_poll_s, self.catch_up
            )
            return Idle(lambda: load_of(urls, names), at)
        return Always()

    @property
    def stage_names(self) -> list[str]:
        """The stages, one by one."""
        return [stage.strip() for stage in self.stages.split(",")]

    @property
    def strategy_names(self) -> list[str]:
        """The strategies, one by one."""
        return [name.strip() for name in self.strategies.split(",") if name.strip()]

    @field_validator("zone")
    @classmethod
    def _zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"there is no time zone {zone!r}; one is Europe/Zurich") from None
        return zone

    @field_validator("cheap_hours")
    @classmethod
    def _hours(cls, hours: str) -> str:
        Hours.parse(hours, ZoneInfo("UTC"))
        return hours

    @model_validator(mode="after")
    def _idle_is_whole(self) -> Self:
        urls = [url.strip() for url in self.idle_metrics_urls.split(",") if url.strip()]
        if self.when == "idle" and not (
            urls and all(url.startswith(("http://", "https://")) for url in urls)
        ):
            raise ValueError("idle needs idle_metrics_urls, each with http:// or https://")
        if self.busy_at < self.idle_at:
            raise ValueError("busy_at is below idle_at")
        return self

    @field_validator("stages")
    @classmethod
    def _known(cls, stages: str) -> str:
        unknown = {stage.strip() for stage in stages.split(",")} - {
            row.service for row in CONSUMERS
        }
        if unknown:
            raise ValueError(f"unknown stage {', '.join(sorted(unknown))}")
        return stages
