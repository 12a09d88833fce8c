"""Markdown notes, as editors write them: words stay; markup, comments, queries and pictures go."""

from __future__ import annotations

import pytest

from daydream_memory.reading import DocumentMetadata
from support.readings import COATING, YIELD, left_out, read, texts, words

BASE64 = "iVBORw0KGgoAAAANSUhEUg" * 300


@pytest.mark.parametrize(
    "picture",
    [
        f"![plot](data:image/png;base64,{BASE64})",
        f"![a drawing](data:image/svg+xml;base64,{BASE64})",
        f'<img alt="" src="data:image/png;base64,{BASE64}">',
        f"![plot][one]\n\n[one]: data:image/png;base64,{BASE64}",
        f"![plot][one]\n\n[one]: <data:image/png;base64,{BASE64}>",
    ],
)
def test_a_picture_inside_a_note_is_left_out(picture: str) -> None:
    note = f"# Straits\n\n{YIELD}\n\n{picture}\n\n{COATING}\n"
    assert texts(note, "trip.md") == [("Straits", f"{YIELD} {COATING}")]
    assert left_out(note, "trip.md")["pictures"] == 1


def test_a_described_picture_in_a_sentence_keeps_its_words() -> None:
    assert texts("See ![photo of a blade](a/b.jpg) and ![](c.png) here.", "a.md") == [
        ("a", "See photo of a blade and here.")
    ]


OBSIDIAN = f"""---
aliases: [Tidal]
tags: [energy/ocean, draft]
---
up:: [[Energy MOC]]
status:: seedling

> [!quote]- Claim
> {YIELD} ^claim1

See [[Antifouling coatings|the coatings note]] and [[Oyster farms#Larvae]]. ![[mussels.png|300]]

%% private: do not show this comment
about the supervisor to anybody %%

```dataview
TABLE file.mtime AS "Changed" FROM #energy/ocean
```

- [ ] ask the harbour master for the film 📅 2026-12-01
- {COATING} <!-- remark: delete before publication -->
"""


def test_an_obsidian_note_becomes_plain_words_under_the_name_of_its_file() -> None:
    note = read(OBSIDIAN, "notes/Tidal power.md")
    assert {passage.title for passage in note.passages} == {"Tidal power"}
    assert note.passages[0].metadata.tags == ("energy/ocean", "draft")
    text = words(OBSIDIAN, "notes/Tidal power.md")
    assert "the coatings note and Oyster farms, Larvae." in text
    assert f"{YIELD} See" in text
    for markup in (
        "[[",
        "]]",
        "::",
        "^claim1",
        "[!",
        "private",
        "TABLE",
        "remark",
        "📅",
        "[ ]",
        "%%",
    ):
        assert markup not in text
    assert left_out(OBSIDIAN, "a.md") == {"comments": 2, "queries": 1, "pictures": 1}


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("The ==loss== grows.", "The loss grows."),
        ("Found by `= this.author` in spring.", "Found by in spring."),
        ("The loss [rate:: 12 per cent] grows.", "The loss 12 per cent grows."),
        (
            "finding:: copper kills young mussels within two days",
            "finding: copper kills young mussels within two days",
        ),
        ("Seen in [[folder/Tidal power]] again.", "Seen in Tidal power again."),
        ("A claim.[^1]\n\n[^1]: Its source says more.", "A claim. Its source says more."),
        ("Text {{< figure src='a.png' >}} goes on.", "Text goes on."),
        ("<% tp.date.now() %>Text goes on.", "Text goes on."),
        (":::{note}\nMussels grow.\n:::", "Mussels grow."),
        ("> [!warning]\n> Mussels grow.", "Mussels grow."),
        ("Mussels #sea/mussels grow.", "Mussels sea/mussels grow."),
        (r"The loss \(k t^2\) grows by $10 or $20.", "The loss $k t^2$ grows by $10 or $20."),
        ("The loss $k_1 * t_2 * u$ grows.", "The loss $k_1 * t_2 * u$ grows."),
        ("- DONE clean the blades\n- {{query (todo now)}}\n", "clean the blades"),
        ("See ((64f0a1b2-aaaa-bbbb-cccc-1234567890ab)) the note.", "See the note."),
        ("An area of 10 m<sup>2</sup> of CO<sub>2</sub>.", "An area of 10 m² of CO2."),
        ("A <span style='display:none'>secret</span>word.", "A word."),
        ("The %% one %% loss grows %% two %%.", "The loss grows ."),
    ],
)
def test_what_editors_add_to_markdown_becomes_plain_words(markup: str, plain: str) -> None:
    assert [text for _, text in texts(markup, "a.md")] == [plain]


def test_a_line_of_tags_tags_the_note() -> None:
    note = read(f"#sea #energy/tidal\n\n{YIELD}\n", "a.md")
    assert note.passages[0].metadata.tags == ("sea", "energy/tidal")
    assert note.passages[0].text == YIELD


EXCALIDRAW = """---
excalidraw-plugin: parsed
tags: [excalidraw]
---
==⚠  Switch to EXCALIDRAW VIEW ⚠==

# Excalidraw Data

## Text Elements
mussels grow on blades ^a1

%%
## Embedded Files
8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b: [[photo.png]]

## Drawing
```compressed-json
{data}
```
%%
"""


@pytest.mark.parametrize(
    "drawing",
    [
        EXCALIDRAW,
        EXCALIDRAW.replace("# Excalidraw Data\n\n#", "").replace("## Drawing", "# Drawing"),
        EXCALIDRAW.replace("%%\n", "").replace("compressed-json", "json"),
    ],
)
def test_the_data_of_a_drawing_are_left_out_and_its_words_stay(drawing: str) -> None:
    drawing = drawing.replace(
        "{data}", "N4KAkARALgngDgUwgLgAQQQDwMYEMA2AlgCYBOuA7hADTgQBuCpAzoQPYB2\n" * 200
    )
    assert texts(drawing, "Sketch.excalidraw.md") == [("Sketch", "mussels grow on blades")]
    assert left_out(drawing, "Sketch.excalidraw.md") == {"drawings": 1}


@pytest.mark.parametrize(
    "front",
    [
        '+++\ntitle = "Blades"\ntags = ["ocean"]\ndate = 2026-01-01T00:00:00Z\n+++\n',
        "---\ntitle: Blades\ntags: ocean\ndate: 2026-01-01\n---\n",
        '{"title": "Blades", "tags": ["ocean"], "date": "2026-01-01"}\n\n',
        '+++\r\ntitle = "Blades"\r\ntags = ["ocean"]\r\ndate = 2026-01-01\r\n+++\r\n',
    ],
)
def test_front_matter_of_each_kind_gives_title_tags_and_date(front: str) -> None:
    (passage,) = read(f"{front}\n{YIELD}\n", "hugo.md").passages
    assert (passage.title, passage.text) == ("Blades", YIELD)
    assert (passage.metadata.tags, passage.metadata.date) == (("ocean",), "2026-01-01")


def test_a_horizontal_rule_at_the_start_is_no_front_matter() -> None:
    assert texts(f"---\n\n{YIELD}\n\n---\n\n{COATING}\n", "a.md") == [("a", f"{YIELD} {COATING}")]


def test_words_of_links_stay_and_their_targets_do_not() -> None:
    note = (
        f"# Reading\n\n{YIELD} See [the report](https://example.org/a.pdf?utm_source=x&ref=8f).\n\n"
        "[^1]: A footnote says that the loss was twelve per cent in one of the straits.\n"
        '[ref]: https://example.org/another/long/link "Title"\n[b]: <https://example.org/b>\n'
    )
    assert texts(note, "links.md") == [
        (
            "Reading",
            f"{YIELD} See the report. A footnote says that the loss was twelve per cent in one of "
            "the straits.",
        )
    ]


def test_code_is_kept_apart_from_prose() -> None:
    note = f"# Cleaning\n\n{YIELD}\n\n```python\n# comment [[x]]\nclean(blade)\n```\n\n{COATING}\n"
    assert texts(note, "a.md") == [("Cleaning", YIELD), ("Cleaning", COATING)]
    assert texts(note, "a.md", "code") == [("Cleaning", "# comment [[x]] clean(blade)")]


def test_rows_of_a_table_get_the_headings_of_its_columns() -> None:
    note = "# Costs\n\n| Method | Cost |\n|---|---|\n| Divers | 1200 |\n| Copper | 300 |\n"
    assert texts(note, "a.md", "table") == [
        ("Costs", "Method: Divers; Cost: 1200 Method: Copper; Cost: 300")
    ]


def test_markdown_without_its_ending_is_recognised() -> None:
    note = (
        f"# Yield\n\n{YIELD}\n\n## Coatings\n\n- **Copper** and [silicone](https://example.org)\n"
    )
    assert texts(note, "notes.txt")[0] == ("Yield", YIELD)
    assert read(note, "notes").kind == "markdown"
    assert read("# one hash and no more\nplain text", "notes.txt").kind == "text"


def test_each_heading_starts_a_passage_whose_title_is_its_path() -> None:
    note = (
        "intro\n\n# Ants\nabout ants\n\n## Trails\nabout trails\n\n### Fresh\nfresh\n\n"
        "## Nests\nnests\n\n# Bees\nbees\n\nUnderlined\n----------\nbelow\n"
    )
    for ends in ("\n", "\r\n"):
        assert texts(note.replace("\n", ends), "notes.md") == [
            ("notes", "intro"),
            ("Ants", "about ants"),
            ("Ants / Trails", "about trails"),
            ("Ants / Trails / Fresh", "fresh"),
            ("Ants / Nests", "nests"),
            ("Bees", "bees"),
            ("Bees / Underlined", "below"),
        ]


def test_front_matter_gives_all_metadata_and_broken_one_gives_none() -> None:
    front = "---\ntags: [ice]\nlicense: CC-BY\ndate: 2024-05-01\ndomain: geology\n---\n"
    assert read(f"{front}Text.", "a.md").passages[0].metadata == DocumentMetadata(
        ("ice",), "geology", "CC-BY", "2024-05-01"
    )
    (passage,) = read("---\nnot: [yaml\n---\nA text.\n", "a.md").passages
    assert (passage.text, passage.metadata) == ("A text.", DocumentMetadata())


def test_aliases_in_front_matter_do_not_grow_without_end() -> None:
    bomb = "---\na: &a [x, x, x]\n" + "".join(
        f"{name}: &{name} [*{chr(ord(name) - 1)}, *{chr(ord(name) - 1)}]\n"
        for name in "bcdefghijklmnopq"
    )
    assert texts(f"{bomb}---\n{YIELD}", "a.md") == [("a", YIELD)]


@pytest.mark.parametrize("odd", ["\u2028", "\x0c", "\x0b", "\x85", "\x1c"])
def test_odd_separators_lose_no_text(odd: str) -> None:
    note = f"# A\nfoo{odd}bar\nbaz\n# B\nqux\n"
    assert "baz" in dict(texts(note, "a.md"))["A"]
    assert dict(texts(note, "a.md"))["B"] == "qux"
