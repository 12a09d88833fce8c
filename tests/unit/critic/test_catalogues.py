"""Public catalogues: their answers are read, they are asked politely, and little leaves the lab."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web

from daydream_contracts.errors import ConfigurationError
from daydream_critic.oracle.catalogues import CATALOGUES
from daydream_critic.oracle.catalogues.catalogue import WORDS_MAX, CatalogueAccess, key_words
from daydream_critic.oracle.catalogues.client import (
    ANSWER_BYTES_MAX,
    CACHE_S,
    CatalogueClient,
    CatalogueError,
)
from daydream_critic.oracle.catalogues.selection import open_literature
from daydream_critic.oracle.literature import Publication
from daydream_critic.oracle.settings import OracleSettings
from support.fake_catalogue import FakeCatalogue, fake_catalogue

HYPOTHESIS = "Fish oil relieves Raynaud's syndrome, because it lowers the viscosity of the blood."
WORDS = ["fish", "relieves", "raynaud", "syndrome", "lowers", "viscosity", "blood"]
OPENALEX = {
    "meta": {"count": 1},
    "results": [
        {
            "id": "https://openalex.org/W1",
            "doi": "https://doi.org/10.1/fish",
            "display_name": "Fish oil &amp; <i>blood</i>",
            "abstract_inverted_index": {"Fish": [0], "thins": [2], "oil": [1], "blood.": [3]},
        },
        {"id": "https://openalex.org/W2", "doi": None, "display_name": "Cold fingers"},
        {"id": "https://openalex.org/W3", "display_name": None},
    ],
}
CROSSREF = {
    "status": "ok",
    "message-type": "work-list",
    "message": {
        "items": [
            {
                "DOI": "10.1/fish",
                "title": ["Fish oil &amp; <i>blood</i>"],
                "abstract": "<jats:title>Abstract</jats:title><jats:p>Oil thins.</jats:p>",
            },
            {"DOI": "10.1/none"},
        ]
    },
}
SCHOLAR = {
    "total": 2,
    "offset": 0,
    "data": [
        {
            "paperId": "a1",
            "title": "Fish oil",
            "abstract": "Oil thins.",
            "externalIds": {"DOI": "10.1/fish", "CorpusId": 7},
        },
        {"paperId": "b2", "title": "Cold fingers", "abstract": None, "externalIds": None},
    ],
}
ARXIV = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>ArXiv Query</title>
<entry><id>http://arxiv.org/abs/2001.00001v1</id><title>Fish oil
  and blood</title><summary>  Oil thins &lt; blood. </summary></entry></feed>"""
ARXIV_ERROR = ARXIV.replace("http://arxiv.org/abs/2001.00001v1", "http://arxiv.org/api/errors#id")
READ = {
    "openalex": (
        json.dumps(OPENALEX),
        [
            Publication("https://doi.org/10.1/fish", "Fish oil & blood", "Fish oil thins blood."),
            Publication("https://openalex.org/W2", "Cold fingers", ""),
        ],
    ),
    "crossref": (
        json.dumps(CROSSREF),
        [Publication("https://doi.org/10.1/fish", "Fish oil & blood", "Abstract Oil thins.")],
    ),
    "semantic-scholar": (
        json.dumps(SCHOLAR),
        [
            Publication("https://doi.org/10.1/fish", "Fish oil", "Oil thins."),
            Publication("https://www.semanticscholar.org/paper/b2", "Cold fingers", ""),
        ],
    ),
    "arxiv": (
        ARXIV,
        [
            Publication(
                "http://arxiv.org/abs/2001.00001v1", "Fish oil and blood", "Oil thins < blood."
            )
        ],
    ),
}


class FakeSleepClock:
    """Time that passes only in `sleep`."""

    def __init__(self) -> None:
        self._now_s = 1000.0

    def monotonic(self) -> float:
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        self._now_s += seconds


def client(fake: FakeCatalogue, name: str = "openalex", key: str = "") -> CatalogueClient:
    access = CatalogueAccess("lab@example.org", key, fake.url)
    return CatalogueClient(CATALOGUES[name], access)


def test_all_catalogues_are_tested() -> None:
    assert set(READ) == set(CATALOGUES)


@pytest.mark.parametrize("name", READ)
async def test_publications_are_read_from_the_answer(name: str) -> None:
    text, publications = READ[name]
    async with fake_catalogue(web.Response(text=text)) as fake:
        assert await client(fake, name)(HYPOTHESIS, 4) == publications
        assert await client(fake, name)(HYPOTHESIS, 1) == publications[:1]


@pytest.mark.parametrize("name", READ)
async def test_only_words_of_the_hypothesis_and_the_contact_leave_the_lab(name: str) -> None:
    async with fake_catalogue(web.Response(text=READ[name][0])) as fake:
        await client(fake, name, key="secret")(HYPOTHESIS, 4)
        (query,), (headers,) = fake.queries, fake.headers
    assert "lab@example.org" in headers["User-Agent"]
    sent = " ".join(query.values())
    assert all(word in sent for word in WORDS)
    assert not any(common in sent.split() for common in ("because", "the", "it"))
    has_key = "secret" in f"{sent} {headers}"
    assert has_key == (name != "arxiv")


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("text", ["", "<html>busy</html>", "[]", '{"results": 3}', ARXIV_ERROR])
async def test_an_answer_of_another_form_is_an_error(name: str, text: str) -> None:
    async with fake_catalogue(web.Response(text=text)) as fake:
        with pytest.raises(CatalogueError, match="answer of another form"):
            await client(fake, name)(HYPOTHESIS, 4)


async def test_an_answer_is_kept_for_a_day() -> None:
    now = FakeSleepClock()
    async with fake_catalogue(web.Response(text=READ["openalex"][0])) as fake:
        search = client(fake)
        search.clock, search.pause = now.monotonic, now.sleep
        first = await search(HYPOTHESIS, 4)
        assert await search(f"{HYPOTHESIS} It does.", 4) == first, "the same words"
        assert len(fake.queries) == 1
        await now.sleep(CACHE_S + 1)
        assert await search(HYPOTHESIS, 4) == first
        assert len(fake.queries) == 2


async def test_between_two_requests_there_is_a_pause() -> None:
    now = FakeSleepClock()
    async with fake_catalogue(web.Response(text=ARXIV)) as fake:
        search = client(fake, "arxiv")
        search.clock, search.pause = now.monotonic, now.sleep
        await asyncio.gather(*(search(f"{HYPOTHESIS} {word}", 4) for word in ("warm", "cold")))
        assert len(fake.queries) == 2
        assert now.monotonic() - 1000 >= CATALOGUES["arxiv"].pause_s


@pytest.mark.parametrize(("header", "seconds"), [("120", 120), ("Wed, 21 Oct", 60), ("", 60)])
async def test_after_a_refusal_nothing_is_asked_until_its_time(header: str, seconds: int) -> None:
    now = FakeSleepClock()
    refusal = web.Response(status=429, headers={"Retry-After": header} if header else {})
    async with fake_catalogue(refusal, web.Response(text=READ["openalex"][0])) as fake:
        search = client(fake)
        search.clock, search.pause = now.monotonic, now.sleep
        with pytest.raises(CatalogueError, match="answered 429"):
            await search(HYPOTHESIS, 4)
        with pytest.raises(CatalogueError, match="asked to wait"):
            await search(HYPOTHESIS, 4)
        assert len(fake.queries) == 1
        await now.sleep(seconds)
        assert await search(HYPOTHESIS, 4)


@pytest.mark.parametrize("status", [301, 404, 500])
async def test_another_status_is_an_error_without_what_was_asked(status: int) -> None:
    async with fake_catalogue(web.Response(status=status)) as fake:
        with pytest.raises(CatalogueError) as error:
            await client(fake, key="secret")(HYPOTHESIS, 4)
    assert str(error.value) == f"openalex answered {status}"


async def test_an_answer_without_end_is_not_read() -> None:
    async with fake_catalogue(web.Response(body=b" " * (ANSWER_BYTES_MAX + 1))) as fake:
        with pytest.raises(CatalogueError, match="too long"):
            await client(fake)(HYPOTHESIS, 4)


async def test_a_catalogue_that_is_away_is_an_error() -> None:
    async with fake_catalogue(web.Response()) as fake:
        search = client(fake)
    with pytest.raises(CatalogueError, match="cannot be reached"):
        await search(HYPOTHESIS, 4)


async def test_a_hypothesis_without_words_asks_nothing() -> None:
    async with fake_catalogue(web.Response(text=READ["openalex"][0])) as fake:
        assert await client(fake)("It is so.", 4) == []
        assert fake.queries == []


def test_the_longest_words_are_asked_for_in_their_order() -> None:
    assert key_words(HYPOTHESIS) == WORDS
    many = " ".join("ab" + "c" * length for length in range(2, 40))
    assert key_words(many) == many.split()[-WORDS_MAX:]


def test_no_catalogue_is_on_by_default() -> None:
    assert open_literature(OracleSettings()) is None


def test_a_catalogue_needs_a_contact() -> None:
    with pytest.raises(ConfigurationError, match="mail address"):
        open_literature(OracleSettings(literature="arxiv"))
    settings = OracleSettings(literature="arxiv", literature_contact="lab@example.org")
    search = open_literature(settings)
    assert isinstance(search, CatalogueClient)
    assert search.access.url == ""
