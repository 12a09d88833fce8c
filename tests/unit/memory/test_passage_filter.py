"""What becomes facts, what does not, and that both are within the benchmark's limits."""

from __future__ import annotations

import random
import statistics
import time

import pytest

from benchmarks.documents.cases import CASES, DocumentCase, wrong
from benchmarks.documents.labelled import (
    LabelledPassage,
    facts_from,
    junk_facts,
    labelled_passages,
    lost_content,
)
from daydream_memory.chunking import DocumentTexts, texts_of
from daydream_memory.passage_filter.sentences import split_sentences
from daydream_memory.passage_filter.tables import row_sentences, table_sentences
from daydream_memory.reading import Passage, PassageKind, ReadResult

LOSS = "Tidal turbines lose a tenth of their yield within two summers to mussels on the blades."


def facts_in(
    text: str, *, kind: PassageKind = "prose", title: str = "", source: str = "a.txt"
) -> DocumentTexts:
    result = ReadResult("read", "", (Passage(text, title, kind=kind),))
    return texts_of(result, source=source, chars_max=900)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_document_gives_its_facts_and_no_junk(case: DocumentCase) -> None:
    assert wrong(case) == []


def test_the_labelled_passages_are_of_all_kinds_and_in_two_halves() -> None:
    tuning, held_out = labelled_passages("tuning"), labelled_passages("held-out")
    assert len(tuning) + len(held_out) >= 300
    assert {passage.kind for passage in tuning} == {passage.kind for passage in held_out}
    assert len({passage.text for passage in (*tuning, *held_out)}) == len(tuning) + len(held_out)


@pytest.mark.parametrize("half", ["tuning", "held-out"])
def test_little_junk_becomes_facts_and_little_content_is_lost(half: str) -> None:
    passages = [passage for passage in labelled_passages() if passage.half == half]
    assert statistics.fmean(junk_facts(passages)) <= 0.02
    assert statistics.fmean(lost_content(passages)) <= 0.03


def test_what_is_removed_is_counted_by_kind_with_an_example() -> None:
    document = facts_in(f"{LOSS}\n\nHome | News | People | Contact\n\nMaps | Prices | Jobs | Press")
    (entry,) = document.left_out
    assert (entry.kind, entry.count) == ("filter-navigation", 2)
    assert entry.text == "2 menus: “Home | News | People | Contact”"


def test_every_junk_passage_is_reported() -> None:
    junk = [passage for passage in labelled_passages("tuning") if not passage.is_content]
    unreported = [passage.id for passage in junk if not _is_reported(passage)]
    assert unreported == []


def _is_reported(passage: LabelledPassage) -> bool:
    document = facts_from(passage)
    return bool(document.left_out or document.texts)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It is so. Is it? Yes!", ["It is so.", "Is it?", "Yes!"]),
        ("Dr. Lee saw, e.g. in Fig. 3. It fell.", ["Dr. Lee saw, e.g. in Fig. 3.", "It fell."]),
        ("It cost 3.5 kg. A. Smith paid.", ["It cost 3.5 kg.", "A. Smith paid."]),
        ("Er mag z. B. Austern. Sie nicht.", ["Er mag z. B. Austern.", "Sie nicht."]),
        ("銅は毒だ。貝は逃げる。", ["銅は毒だ。", "貝は逃げる。"]),
        ("“It fell.” He left.", ["“It fell.”", "He left."]),
        ("no mark at the end", ["no mark at the end"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_rows_of_a_table_are_sentences_where_they_say_something() -> None:
    lines = ["| Species | Loss |", "|---|---|", "| Mytilus | 10 % |", "| 3 | 4 |", "|  | |"]
    assert table_sentences(lines, "Table 2") == ["In Table 2, Mytilus has Loss 10 %."]
    assert table_sentences(["| a | b |", "| c | d |"]) == []


def test_rows_as_readers_write_them_are_sentences_too() -> None:
    rows = ["Species: Mytilus; Loss: 10 %", "1; 2; 3", "Copper; kept mussels away for two summers"]
    assert row_sentences(rows) == [
        "Mytilus has Loss 10 %.",
        "Copper: kept mussels away for two summers.",
    ]


def test_a_table_of_a_reader_gives_facts_with_its_caption() -> None:
    table = "Table 1: Fouling of blades\nSpecies: Mytilus; Habitat: blades of turbines"
    (fact,) = facts_in(table, kind="table").texts
    assert fact.text == "In Table 1: Fouling of blades, Mytilus has Habitat blades of turbines."


def test_a_lead_goes_with_the_list_after_it() -> None:
    (fact,) = facts_in("It has three effects:\n\n- it kills mussels\n- it harms the oysters").texts
    assert fact.text == "It has three effects: it kills mussels; it harms the oysters"


@pytest.mark.parametrize(
    "unit", ["蚂", "a", "{", "a@b ", "1 ", "ab.", "word ", ". ", "- x\n", "[a]("]
)
def test_no_text_takes_long(unit: str) -> None:
    started = time.process_time()
    facts_in(unit * (200_000 // len(unit)))
    assert time.process_time() - started < 5, "a second alone; the machine may be busy"


def test_any_text_gives_facts_or_a_report() -> None:
    chance = random.Random(0)
    signs = "ab c.\n\n|-#`[](){}:;é漢字かな0123456789 \t…"
    for _ in range(200):
        text = "".join(chance.choices(signs, k=chance.randrange(400)))
        document = facts_in(text)
        assert document.texts or document.left_out or not text.strip()


def test_a_line_like_a_heading_of_changes_ends_with_its_section() -> None:
    sentence = "Tidal turbines lose a tenth of their yield within two summers to mussels."
    option = Passage("changes\n\nCompute the share of lines that were moved.", "log / OPTIONS")
    document = texts_of(
        ReadResult("read", "", (option, Passage(sentence, "log / YIELD")), kind="manual-page"),
        source="log.1",
        chars_max=900,
    )
    assert [fact.text for fact in document.texts] == [sentence]


@pytest.mark.parametrize("name", ["Note 13", "Figure 12", "Day 2024"])
def test_a_sentence_behind_a_name_with_a_number_is_no_log(name: str) -> None:
    document = facts_in(f"{name}: {LOSS}")
    assert (len(document.texts), document.left_out) == (1, ())


@pytest.mark.parametrize(
    "text",
    [
        "By default CMAKE_GLOBAL_AUTOGEN_TARGET_NAME_OF_ALL is unset in all of the runs.",
        "The name parseProtocolIdentifierFromRequestHeader stands in each of the traces.",
        "<NAME> flags are used regardless of what the other settings of a run are.",
    ],
)
def test_names_from_programs_in_a_sentence_are_no_code_and_no_data(text: str) -> None:
    document = facts_in(text)
    assert [fact.text for fact in document.texts] == [text]


def test_a_sentence_that_begins_with_a_name_from_a_program_is_no_rest_of_another() -> None:
    text = "blade.read does not support the maps that divers of the other group have drawn."
    document = facts_in(f"```\nblade.read(map)\n```\n\n{text}", source="a.md")
    assert [fact.text for fact in document.texts] == [text]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("main.c:12:5: warning: unused name of a variable in this function here", "logs"),
        ("[ RUN      ] Blades.AreClean\n[ FAILED ] Blades.AreClean in the last run", "logs"),
        ("See also the DEBUG_OUTPUT_OF_BLADES property of the whole of the turbine.", "navigation"),
        ("This file was moved to https://example.org/files/blob/main/blades.md", "navigation"),
        ("The documentation of this part has moved to the folder above it.", "navigation"),
        ("3.3.6. Limitations of the sensors that are on the blades of turbines", "fragments"),
        (
            "浴寓裕预豫驭鸳渊冤元垣袁原援辕园员圆猿源缘远苑愿怨院曰约越跃钥岳粤月悦阅耘云郧",
            "fragments",
        ),
    ],
)
def test_outputs_pointers_headings_and_tables_of_signs_are_no_facts(text: str, kind: str) -> None:
    document = facts_in(text)
    assert not document.texts
    assert [part.kind for part in document.left_out] == [f"filter-{kind}"]


@pytest.mark.parametrize(
    "lead",
    [
        "The following example command lists all of the runs of a turbine.",
        "Construct a list of all the blades.",
        "You can set what is counted with the following environment variables.",
    ],
)
def test_a_sentence_that_only_names_the_program_behind_it_is_no_fact(lead: str) -> None:
    code = Passage("turbine runs list --all", "Runs", kind="code")
    result = ReadResult("read", "", (Passage(lead, "Runs"), code, Passage(LOSS, "Runs")))
    assert [fact.text for fact in texts_of(result, source="a.rst", chars_max=900).texts] == [LOSS]


@pytest.mark.parametrize("heading", ["Acknowledgements", "2 Contributing", "Getting help"])
def test_thanks_and_calls_for_help_are_no_facts(heading: str) -> None:
    assert not facts_in(LOSS, title=f"Blades / {heading}").texts


def test_a_text_below_a_heading_about_authors_is_a_fact() -> None:
    assert facts_in(LOSS, title="Authors / Tolstoy").texts


def test_a_page_with_more_code_than_prose_keeps_its_prose() -> None:
    marks = "\n\n".join(f"[type.union.{number}]" for number in range(9))
    result = ReadResult("read", "", (Passage(f"{marks}\n\n{LOSS}", "Unions"),), kind="web-page")
    assert [fact.text for fact in texts_of(result, source="a.html", chars_max=900).texts] == [LOSS]


@pytest.mark.parametrize("name", ["changes/20064.bugfix.rst", "release_3.4.1.rst"])
def test_a_document_with_the_name_of_a_change_log_gives_no_facts(name: str) -> None:
    text = "The blades of a turbine could be counted twice in a run before this was corrected."
    assert not facts_in(text, source=f"docs/{name}").texts


def test_items_that_begin_with_the_writer_are_no_log() -> None:
    text = f"- I saw that {LOSS}\n- I forgot to count the blades that stood still in spring.\n"
    assert facts_in(text, source="a.md").texts


def test_a_row_whose_first_column_has_no_name_is_a_fact() -> None:
    (fact,) = facts_in("Dependency overrides; first: Yes; second: No", kind="table").texts
    assert fact.text == "Dependency overrides has first Yes; second No."


def test_what_a_table_shows_is_a_fact_and_that_there_is_one_is_none() -> None:
    text = "The table shows that mussels cut the yield of a turbine by a tenth."
    assert [fact.text for fact in facts_in(text).texts] == [text]
    assert not facts_in("The following table shows the yield of each of the turbines.").texts


@pytest.mark.parametrize("name", ["climate-change-log.md", "controlled-release-notes.md"])
def test_a_document_that_is_named_after_its_subject_is_no_change_log(name: str) -> None:
    assert facts_in(LOSS, source=name).texts
