"""Files of reference managers: the abstract of each entry under its title, and nothing else."""

from __future__ import annotations

import json

import pytest

from support.readings import COATING, YIELD, left_out, read, refusal, texts

RIS = f"""TY  - JOUR
AU  - Author, First
TI  - Mussels on blades
PY  - 2019
AB  - {YIELD}
KW  - ocean
KW  - energy
N1  - a note of the librarian
UR  - https://example.org/a
ER  -\x20

TY  - JOUR
T1  - Copper
Y1  - 2021/03/01/
N2  - {COATING[:40]}
{COATING[40:].strip()}
ER  -\x20

TY  - BOOK
TI  - Without
ER  -\x20
"""


@pytest.mark.parametrize("name", ["export.ris", "export.txt", "export"])
def test_ris_gives_each_abstract_with_its_title(name: str) -> None:
    got = read(RIS, name)
    assert [(passage.title, passage.metadata.date) for passage in got.passages] == [
        ("Mussels on blades", "2019"),
        ("Copper", "2021/03/01"),
    ]
    assert got.passages[0].text == YIELD
    assert got.passages[0].metadata.tags == ("ocean", "energy")
    assert COATING[:35] in got.passages[1].text
    assert "example.org" not in str(got.passages)
    assert left_out(RIS, name) == {"entries": 1}


def entry(key: str, *fields: str) -> str:
    return f"@article{{{key},\n" + ",\n".join(f" {field}" for field in fields) + "\n}\n"


def test_two_entries_with_one_key_are_both_kept() -> None:
    bib = entry("b", "title = {One}", f"abstract = {{{YIELD}}}", "year = 2019") + entry(
        "b", "title = {Two}", f'abstract = "{COATING}"'
    )
    assert texts(bib, "merged.bib") == [("One", YIELD), ("Two", COATING)]
    assert left_out(bib, "merged.bib") == {}


def test_an_entry_that_has_a_field_twice_is_kept() -> None:
    bib = entry(
        "a", "title = {One}", "keywords = {ocean}", "keywords = {energy}", f"abstract = {{{YIELD}}}"
    ) + entry("a", "title = {Two}", f"abstract = {{{COATING}}}", "abstract = {Other}")
    assert texts(bib, "dup.bib") == [("One", YIELD), ("Two", COATING)]
    assert read(bib, "dup.bib").passages[0].metadata.tags == ("ocean", "energy")


def test_notes_of_reference_managers_are_no_abstracts() -> None:
    bib = entry(
        "a", "title = {x}", "note = {Comment: 12 pages, 5 figures, submitted to a journal}"
    ) + entry("b", "title = {y}", "annote = {Publisher: a society}", f"abstract = {{{YIELD}}}")
    assert texts(bib, "zotero.bib") == [("y", YIELD)]
    assert left_out(bib, "zotero.bib") == {"entries": 1}


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"Mytilus {\textgreater} 3~mm", "Mytilus > 3 mm"),
        (r"a loss {\textless} 10\,\% of it", "a loss < 10 % of it"),
        (r"{\"U}ber Gr\"{o}{\ss}e", "Über Größe"),
        (r"\emph{Mytilus} and \textit{Balanus}", "Mytilus and Balanus"),
        (r"the loss $\eta \approx 10\,\%$ per year", r"the loss $\eta \approx 10\,\%$ per year"),
        (r"{\c{C}}a va, na\"\i ve", "Ça va, naïve"),
        (r"CO$_2$ at 3 \textdegree C", r"CO$_2$ at 3 °C"),
        ("a -- b", "a – b"),
        (r"R\&D and 5\_6", "R&D and 5_6"),
    ],
)
def test_accents_and_signs_of_an_abstract_are_right(latex: str, plain: str) -> None:
    bib = entry("a", "title={x}", f"abstract={{{latex}}}")
    assert texts(bib, "a.bib") == [("x", plain)]


def test_strings_are_resolved_and_broken_entries_are_reported() -> None:
    bib = (
        '@string{jot = "Journal of Ocean Things"}\n% a comment\n@comment{ignore me}\n'
        + entry(
            "a",
            "title = {Real {B}lades}",
            "journal = jot",
            "month = mar",
            f"abstract = {{{YIELD}}}",
        )
        + "@article{broken, title ="
    )
    assert texts(bib, "a.bib") == [("Real Blades", YIELD)]
    assert left_out(bib, "a.bib") == {"unreadable-records": 1}
    assert texts(bib, "library.txt") == [("Real Blades", YIELD)]


def test_csl_json_gives_abstracts_and_leaves_notes_out() -> None:
    records = [
        {
            "id": "a",
            "type": "article-journal",
            "title": "On <i>Mytilus</i>",
            "DOI": "10.0/x",
            "abstract": f"<p>{YIELD}</p>",
            "issued": {"date-parts": [[2019, 3]]},
            "note": "a note of the librarian that is long enough to be a fact",
            "author": [{"family": "A"}],
        },
        {"id": "b", "type": "book", "title": "Without", "publisher": "P", "author": []},
    ]
    got = read(json.dumps(records), "library.json")
    (passage,) = got.passages
    assert (passage.title, passage.text, passage.metadata.date) == ("On Mytilus", YIELD, "2019-03")
    assert left_out(json.dumps(records), "library.json") == {"unreadable-records": 1}


def test_a_library_without_abstracts_is_refused() -> None:
    assert refusal("@book{a, title={no abstract}}", "a.bib") == "no entry has an abstract"
    assert refusal("TY  - BOOK\nTI  - x\nER  - \n", "a.ris") == "no entry has an abstract"


def test_an_export_of_pubmed_gives_its_abstracts() -> None:
    export = (
        f"\nPMID- 123\nOWN - NLM\nTI  - Mussels on\n      blades\nDP  - 2019\nAB  - {YIELD[:40]}\n"
        f"      {YIELD[40:].strip()}\nMH  - Bivalvia\n\nPMID- 124\nTI  - Copper\nAB  - {COATING}\n"
    )
    for name in ("pubmed.nbib", "pubmed.txt"):
        assert texts(export, name) == [("Mussels on blades", YIELD), ("Copper", COATING)]
    assert read(export, "a").passages[0].metadata.tags == ("Bivalvia",)


def test_markup_of_publishers_is_no_part_of_an_abstract() -> None:
    bib = entry("a", "title={x}", "abstract={<jats:p>CO<sub>2</sub> in <i>Mytilus</i>.</jats:p>}")
    assert texts(bib, "a.bib") == [("x", "CO2 in Mytilus.")]
