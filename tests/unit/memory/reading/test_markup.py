"""LaTeX, reStructuredText, Org and subtitles: the text by headings, without markup."""

from __future__ import annotations

import pytest

from support.readings import COATING, YIELD, left_out, read, texts, words

PAPER = rf"""\documentclass[11pt]{{article}}
\usepackage{{amsmath,graphicx}}
\newcommand{{\yield}}{{\ensuremath{{\eta}}}}
\newcommand{{\species}}[1]{{\emph{{Mytilus #1}}}}
\def\lab{{Ocean Lab}}
\begin{{document}}
\title{{Mussels on \textbf{{Blades}}}}\author{{First author\thanks{{Money}}}}
\maketitle
\begin{{abstract}}
Turbines lose a tenth of their \yield\ to \species{{edulis}}~\cite{{blades2019}} (see \lab).
\end{{abstract}}
\section{{Introduction}}\label{{sec:intro}}
{COATING}~\citep[see][p.~3]{{x,y}} % TODO check with lab
It is 10\% of \"olpreise -- and ``more''.\footnote{{Only in spring.}}
\begin{{figure}}\centering\includegraphics[width=\linewidth]{{one.pdf}}\caption{{Blades of a
turbine after two summers.}}\label{{fig:one}}\end{{figure}}
\subsection*{{Model}}
The loss is
\begin{{equation}}\label{{eq:one}}
  \eta = k t^2
\end{{equation}}
where $t$ is the time.
\begin{{itemize}}\item First thing. \item Second thing.\end{{itemize}}
\begin{{verbatim}}
for blade in blades: clean(blade)
\end{{verbatim}}
\begin{{tabular}}{{ll}} a & b \\ \end{{tabular}}
\begin{{thebibliography}}{{9}}\bibitem{{x}} First author, Mussels.\end{{thebibliography}}
\bibliographystyle{{plain}}\bibliography{{refs}}
\end{{document}}
"""


@pytest.mark.parametrize("name", ["paper.tex", "paper.txt", "paper"])
def test_a_latex_paper_gives_its_text_by_sections(name: str) -> None:
    got = texts(PAPER, name)
    assert got[0] == (
        "Mussels on Blades",
        r"Turbines lose a tenth of their $\eta$ to Mytilus edulis (see Ocean Lab).",
    )
    assert got[1][0] == "Introduction"
    assert got[1][1].startswith(f"{COATING} It is 10% of ölpreise – and “more”. (Only in spring.)")
    assert got[1][1].endswith("Blades of a turbine after two summers.")
    assert got[2] == (
        "Introduction / Model",
        r"The loss is $\eta = k t^2$ where $t$ is the time. First thing. Second thing.",
    )
    text = words(PAPER, name)
    for markup in (
        "TODO",
        "\\cite",
        "blades2019",
        "usepackage",
        "First author",
        "for blade",
        "refs",
        "{",
        "Money",
    ):
        assert markup not in text.replace("$\\eta$", "")
    assert left_out(PAPER, name) == {"pictures": 1, "tables": 1, "code": 1, "references": 1}


def test_a_part_of_a_latex_document_is_read_and_included_files_are_reported() -> None:
    part = f"\\section{{Yield}}\n{YIELD}\n\\input{{next}}\n\\iffalse old text \\fi\n"
    assert texts(part, "part.tex") == [("Yield", YIELD)]
    assert left_out(part, "part.tex") == {"included-files": 1}


def test_macros_that_contain_themselves_end() -> None:
    bomb = "\\newcommand{\\a}{\\a\\a\\a}\\begin{document}\\a Text stays.\\end{document}"
    assert "Text stays." in words(bomb, "a.tex")
    doubling = "".join(
        f"\\newcommand{{\\x{chr(98 + at)}}}{{\\x{chr(97 + at)}\\x{chr(97 + at)}}}"
        for at in range(20)
    )
    assert "End." in words(f"{doubling}\\begin{{document}}\\xu End.\\end{{document}}", "a.tex")


RST = f"""Mussels
=======

:Author: First author
:Date: 2026

.. note:: {YIELD}

.. code-block:: python
   :linenos:

   for blade in blades: clean(blade)

.. a comment that nobody should read
   and its second line

Coatings
--------
{COATING} See :ref:`the table <costs>`, `a page <https://example.org>`_ and *more* of
``x``\\ s [1]_.

.. _costs:

- first item
  that runs on
- second item

An example::

    clean(blade)

.. warning::
   :class: x

   Nested text is read.

   .. math:: \\eta = k t^2

.. figure:: one.png
   :alt: x

   A caption of the figure.

.. [1] A footnote says more.

+-------+------+
| Way   | Cost |
+=======+======+
| Ropes | 1200 |
+-------+------+
"""


@pytest.mark.parametrize("name", ["notes.rst", "notes.txt"])
def test_restructured_text_gives_its_text_by_titles(name: str) -> None:
    got = texts(RST, name)
    assert got[0] == ("Mussels", YIELD)
    assert got[1][0] == "Mussels / Coatings"
    assert got[1][1] == (
        f"{COATING} See the table, a page and more of xs. first item that runs on second item "
        "An example:"
    )
    assert got[2][1] == (
        r"Nested text is read. $\eta = k t^2$ A caption of the figure. A footnote says more."
    )
    assert texts(RST, name, "code") == [
        ("Mussels", "for blade in blades: clean(blade)"),
        ("Mussels / Coatings", "clean(blade)"),
    ]
    assert texts(RST, name, "table") == [("Mussels / Coatings", "Way: Ropes; Cost: 1200")]
    assert left_out(RST, name) == {"comments": 1, "pictures": 1}


def test_two_colons_before_code_leave_no_stray_colon() -> None:
    assert texts(f"{YIELD}::\n\n  code()\n\nSo:: \n\n  x = 1\n", "a.rst") == [
        ("a", YIELD),
        ("a", "So:"),
    ]


ORG = f"""#+TITLE: Mussels
#+FILETAGS: :ocean:
# a comment
* TODO [#A] Yield  :energy:
SCHEDULED: <2026-01-02 Fri>
:PROPERTIES:
:ID: 4f7c
:CREATED: [2026-01-02 Fri]
:END:
{YIELD}
** Coatings
{COATING} See [[https://example.org][the *report*]] and [[file:one.png]], ~code~ /here/.
#+BEGIN_SRC python
clean(blade)
#+END_SRC
#+BEGIN_QUOTE
A quote is text.
#+END_QUOTE
#+begin_comment
not read
#+end_comment
- [X] done item
- term :: its meaning
| Way   | Cost |
|-------+------|
| Ropes | 1200 |
"""


@pytest.mark.parametrize("name", ["notes.org", "notes.txt"])
def test_org_gives_its_text_by_headings(name: str) -> None:
    assert texts(ORG, name) == [
        ("Yield", YIELD),
        ("Yield / Coatings", f"{COATING} See the report and , code here."),
        ("Yield / Coatings", "A quote is text. done item term: its meaning"),
    ]
    assert texts(ORG, name, "code") == [("Yield / Coatings", "clean(blade)")]
    assert texts(ORG, name, "table") == [("Yield / Coatings", "Way: Ropes; Cost: 1200")]
    assert read(ORG, name).passages[0].metadata.tags == ("ocean",)
    assert left_out(ORG, name) == {"comments": 2, "drawers": 1, "pictures": 1}


SAID = "so tidal turbines in narrow straits lose a tenth of their yield to mussels"


def caption(start: int, text: str, number: str = "", comma: str = ".") -> str:
    clock = f"00:{start // 60:02}:{start % 60:02}{comma}000"
    return f"{number}{clock} --> 00:59:59{comma}000\n{text}\n\n"


@pytest.mark.parametrize(
    "captions",
    [
        ["so tidal turbines", "in narrow straits", "lose a tenth", "of their yield to mussels"],
        [
            "so tidal turbines",
            "so tidal turbines\nin narrow straits",
            "in narrow straits\nlose a tenth",
            "lose a tenth\nof their yield to mussels",
        ],
        [
            "<c>so</c> <00:00:01.000><b>tidal</b> turbines",
            "{\\an8}in narrow straits",
            "[music] lose a tenth",
            "<v Ann>of their yield to mussels</v>",
        ],
        [
            ">> ANN SMITH: so tidal turbines",
            "in narrow straits",
            "- lose a tenth",
            "♪ sea ♪ of their yield to mussels",
        ],
    ],
)
def test_subtitles_become_running_text(captions: list[str]) -> None:
    web = "WEBVTT\nKind: captions\n\nNOTE a remark\n\nSTYLE\n::cue { color: red }\n\n"
    web += "".join(caption(at, text) for at, text in enumerate(captions))
    srt = "".join(caption(at, text, f"{at + 1}\n", ",") for at, text in enumerate(captions))
    assert texts(web, "talk.vtt") == [("talk", SAID)]
    assert (
        texts(srt, "talk.srt") == texts(srt.replace("\n", "\r\n"), "talk.txt") == [("talk", SAID)]
    )


def test_a_long_talk_is_divided_by_time() -> None:
    talk = "WEBVTT\n\n" + caption(1, YIELD) + caption(400, COATING)
    assert texts(talk, "talk.vtt") == [("0:00:01", YIELD), ("0:06:40", COATING)]
