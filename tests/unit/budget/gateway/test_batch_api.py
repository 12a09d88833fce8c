"""The batch API has the guards of model calls: time, size, redirects, and no key in any text."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import SecretStr

from daydream_budget.gateway.batch.api import BatchApi
from daydream_budget.gateway.batch.results import BatchApiError, BatchResults, read_results
from daydream_budget.gateway.providers import provider as provider_module
from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.dispositions import classify
from daydream_budget.gateway.providers.provider import Provider
from support.fake_provider import FakeProvider

OpenBatchApi = Callable[..., BatchApi]
KEY = "sk-canary-5f1e"
CALLS = {
    f"call-{number}": {
        "model": "priced-1",
        "messages": [{"role": "user", "content": f"Name the number {number}."}],
    }
    for number in range(3)
}


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as server:
        yield server


@pytest.fixture
async def opened(fake: FakeProvider) -> AsyncIterator[OpenBatchApi]:
    providers = []

    def open_api(behaviour: str = "", timeout_s: float = 5.0) -> BatchApi:
        config = ProviderConfig(
            base_url=fake.base_url(behaviour),
            api_key=SecretStr(KEY),
            headers={"x-api-key": SecretStr("second-canary-77")},
            query={"api-version": "2"},
            timeout_s=timeout_s,
        )
        providers.append(Provider(config))
        return BatchApi(providers[-1])

    yield open_api
    for provider in providers:
        await provider.close()


async def results_of(api: BatchApi, batch_id: str) -> BatchResults:
    while (results := await api.results(batch_id)) is None:
        pass
    return results


async def test_a_batch_is_created_found_and_read(opened: OpenBatchApi) -> None:
    api = opened()
    await api.check()
    batch_id = await api.create("intent", CALLS)
    assert await api.find("intent") == batch_id
    assert await api.find("another") == ""
    results = await results_of(api, batch_id)
    assert (results.status, sorted(results.answers), results.is_whole) == (
        "completed",
        sorted(CALLS),
        True,
    )
    assert all(classify(reply).name == "answer" for reply in results.answers.values())


async def test_the_key_is_in_no_error_of_the_batch_api(opened: OpenBatchApi) -> None:
    with pytest.raises(BatchApiError) as refused:
        await opened("bad-key").create("intent", CALLS)
    assert "Incorrect API key provided: [redacted]" in str(refused.value)
    assert KEY not in f"{refused.value} {refused.value.reply!r}"
    assert classify(refused.value.reply).name == "key-refused"


async def test_a_slow_body_is_given_up_at_the_wall_clock_limit(opened: OpenBatchApi) -> None:
    api, started_s = opened("drip", timeout_s=0.3), time.monotonic()
    await api.check()
    with pytest.raises(BatchApiError, match=r"within 0\.3 s"):
        await api.results("batch-0")
    assert time.monotonic() - started_s < 2


async def test_a_redirect_is_not_followed(fake: FakeProvider, opened: OpenBatchApi) -> None:
    with pytest.raises(BatchApiError) as refused:
        await opened("redirect").find("intent")
    assert classify(refused.value.reply).name == "redirect"
    assert fake.paths == ["/redirect/v1/batches"]


async def test_a_file_that_is_too_large_is_not_read(
    opened: OpenBatchApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = opened()
    batch_id = await api.create("intent", CALLS)
    fetch = Provider.fetch

    async def with_a_small_limit(*args: object, **request: object) -> object:
        return await fetch(*args, **request, bytes_max=600)  # type: ignore[arg-type]

    monkeypatch.setattr(Provider, "fetch", with_a_small_limit)
    with pytest.raises(BatchApiError, match="larger than 600 bytes"):
        await results_of(api, batch_id)


async def test_a_file_has_more_time_the_longer_it_is(
    opened: OpenBatchApi, monkeypatch: pytest.MonkeyPatch, fake: FakeProvider
) -> None:
    fake.drip_s = 0.01
    with pytest.raises(BatchApiError, match="no whole answer"):
        await opened("drip", timeout_s=0.2).results("batch-0")
    monkeypatch.setattr(provider_module, "FILE_BYTES_PER_S", 10)
    with pytest.raises(BatchApiError) as refused:  # it came whole, and is no batch
        await opened("drip", timeout_s=0.2).results("batch-0")
    assert refused.value.reply.shape == "completion"


@pytest.mark.parametrize("behaviour", ["html", "cut-json", "json-list", "error-without-code"])
async def test_what_is_no_list_of_batches_is_not_taken_for_an_empty_one(
    opened: OpenBatchApi, behaviour: str
) -> None:
    with pytest.raises(BatchApiError):
        await opened(behaviour).find("intent")  # else the batch would be created twice


async def test_what_a_lost_batch_cost_is_not_known(opened: OpenBatchApi) -> None:
    results = await opened("no-such-model").results("batch-0")
    assert results is not None
    assert (results.status, results.is_whole) == ("failed", False)


def line(call_id: str, **result: object) -> bytes:
    return json.dumps({"custom_id": call_id, **result}).encode()


def test_results_are_read_like_the_answers_of_single_calls() -> None:
    lines = [
        line("late", error={"code": "batch_expired", "message": "too late"}),
        line("server", error={"code": "request_timeout", "message": "no answer"}),
        line("poor", error={"code": "insufficient_quota", "message": "pay"}),
        line("broken", response={"status_code": 200, "body": {"choices": []}}),
        line("refused", response={"status_code": 400, "body": {"error": {"message": "no"}}}),
    ]
    results = read_results("completed", lines)
    replies = {**results.answers, **results.refused}
    assert {name: classify(reply).name for name, reply in replies.items()} == {
        "server": "failed",
        "poor": "quota",
        "broken": "no-choices",
        "refused": "refused",
    }
    assert results.is_whole


@pytest.mark.parametrize("raw", [b"{", b"[1]", b'{"response": {}}', b"[" * 100_000])
def test_a_line_that_cannot_be_read_hides_what_its_call_cost(raw: bytes) -> None:
    results = read_results("completed", [raw, line("a", response={"status_code": 200})])
    assert not results.is_whole
    assert list(results.answers) == ["a"]
