"""From passages to facts: limits hold, sentences stay whole, and time grows linearly."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daydream_contracts.events import FactKind
from daydream_memory.chunking import CHARS_MIN, DocumentTexts, FactText, texts_of
from daydream_memory.passage_filter.sentences import split_sentences
from daydream_memory.reading import LeftOut, Passage, ReadResult

SENTENCE = "Ants that find food lay a trail, and short trails are walked more often."
OTHERS = (
    "Felt forms when wet wool is rubbed.",
    "Copper that dissolves from a coating keeps mussels away, but it harms the larvae of oysters.",
    "Why do glaciers carve round floors, while rivers cut narrow ones?",
    "Salt was once so dear that armies were paid in it, roads were built for it, and towns that had"
    " it grew rich from the tax on every barrel which left their gates for the coast.",
    "Yeast stops at about 15 % of alcohol, e.g. in strong wine, because it poisons itself.",
    "潮流タービンの羽根には二年でムラサキイガイが付着し、発電量が一割ほど減る。",
)


def document(
    *texts: str, chars_max: int = 300, source: str = "/lab/notes/ants.md"
) -> DocumentTexts:
    passages = tuple(Passage(text, f"title {at}") for at, text in enumerate(texts))
    result = ReadResult("read", "", passages, (LeftOut("pictures", 1, "1 picture"),))
    return texts_of(result, source=source, chars_max=chars_max)


def facts(*texts: str, chars_max: int = 300) -> tuple[FactText, ...]:
    return document(*texts, chars_max=chars_max).texts


@given(
    sentences=st.lists(st.sampled_from((SENTENCE, *OTHERS)), min_size=1, max_size=40),
    breaks=st.integers(1, 9),
    chars_max=st.integers(250, 900),
)
def test_facts_are_whole_sentences_and_all_of_them(
    sentences: list[str], breaks: int, chars_max: int
) -> None:
    numbered = [f"In year {at} it was seen that {text}" for at, text in enumerate(sentences)]
    paragraphs = [" ".join(numbered[at : at + breaks]) for at in range(0, len(numbered), breaks)]
    given = facts("\n\n".join(paragraphs), chars_max=chars_max)
    assert [text for fact in given for text in split_sentences(fact.text)] == numbered
    assert all(CHARS_MIN <= len(fact.text) <= chars_max for fact in given)


def test_a_text_that_fits_is_one_fact() -> None:
    (fact,) = facts(SENTENCE)
    assert (fact.text, fact.title, fact.passage.metadata.domain) == (SENTENCE, "title 0", "")


def test_what_the_reader_left_out_comes_first() -> None:
    result = document(SENTENCE, "Home | About | Contact | Imprint")
    assert [entry.kind for entry in result.left_out] == ["pictures", "filter-navigation"]
    assert result.left_out[1].text == "1 menu: “Home | About | Contact | Imprint”"


def test_a_short_rest_goes_with_the_sentence_before_it() -> None:
    first, second = facts(f"{OTHERS[1]} {OTHERS[2]} {SENTENCE} But not always.", chars_max=240)
    assert first.text == f"{OTHERS[1]} {OTHERS[2]}"
    assert second.text == f"{SENTENCE} But not always."


def test_a_sentence_that_is_too_long_is_cut_between_words() -> None:
    long = "It is so " + ", and ".join(f"that thing {at} is seen" for at in range(60)) + "."
    pieces = facts(long)
    assert " ".join(fact.text for fact in pieces) == long
    assert all(len(fact.text) <= 300 for fact in pieces)


def test_a_fact_has_the_title_of_its_passage_or_else_a_line_above_it_or_the_documents_name() -> (
    None
):
    text = f"{SENTENCE}\n\nWool and felt\n\n{OTHERS[0]} It happens in a minute."
    result = ReadResult("read", "", (Passage(text),))
    given = texts_of(result, source="/lab/ant notes.txt", chars_max=300).texts
    assert [fact.title for fact in given] == ["ant notes", "Wool and felt"]


def test_white_space_makes_no_difference() -> None:
    assert facts(SENTENCE.replace(" ", "\n  "))[0].text == facts(SENTENCE)[0].text


@pytest.mark.parametrize(
    "text", ["", "   ", "42", "Chapter One", "Copper kills mussels.", "銅は毒だ。"]
)
def test_fragments_are_no_facts(text: str) -> None:
    assert facts(text) == ()


def test_what_is_too_short_is_reported() -> None:
    assert document("Copper kills mussels.").left_out[1].text == (
        "1 fragment without a statement: “Copper kills mussels.”"
    )


@pytest.mark.parametrize("text", [OTHERS[5], "铜会杀死附着在叶片上的贻贝，但也伤害牡蛎。"])
def test_a_short_sentence_in_chinese_or_japanese_is_a_fact(text: str) -> None:
    assert [fact.text for fact in facts(text)] == [text]


def test_chinese_sentences_are_joined_without_blanks() -> None:
    text = "铜会杀死附着在叶片上的贻贝。\n它也会伤害附近的牡蛎幼体。"
    assert [fact.text for fact in facts(text)] == [text.replace("\n", "")]


def test_a_question_is_one_fact_however_short() -> None:
    result = ReadResult("read", "", (Passage("Why felt?"),))
    given = texts_of(result, source="question", chars_max=300, kind=FactKind.QUESTION).texts
    assert [fact.text for fact in given] == ["Why felt?"]


def test_no_passages_give_no_facts() -> None:
    assert facts() == ()


def test_text_without_spaces_is_cut_too() -> None:
    chance = random.Random(0)
    text = "".join(chance.choices("蚂蚁的食物和路线在山上不会变", k=100_000))
    pieces = facts(text)
    assert all(len(fact.text) <= 300 for fact in pieces)
    assert sum(len(fact.text) for fact in pieces) == 100_000


def test_the_time_to_cut_a_text_grows_linearly_with_its_length() -> None:
    words = ["ants", "find", "the", "food", "and", "lay", "a", "trail", "of", "scent", "to", "it"]
    chance = random.Random(0)

    def seconds(kilobytes: int) -> float:
        sentences = (" ".join(chance.choices(words, k=14)) for _ in range(kilobytes * 16))
        text = " ".join(f"The {sentence}." for sentence in sentences)
        started = time.process_time()
        pieces = facts(text, chars_max=900)
        assert len(pieces) > kilobytes
        return time.process_time() - started

    seconds(100)
    short, long = seconds(100), seconds(1000)
    assert long < 20 * short + 0.1, "twice linear is allowed for a busy machine"
