"""Manual pages (troff with the macros `man` or `mdoc`) to passages by headings; code apart."""

from __future__ import annotations

import re
import shlex

from daydream_memory.reading.code_lines import PROSE_LINE
from daydream_memory.reading.outline import Block, passages_of
from daydream_memory.reading.passages import RawDocument, Reading, counted
from daydream_memory.reading.word_lists import word_set

REQUEST = re.compile(r"^[.']\s*([A-Za-z\\]\S*|\\\")?\s*(.*)$")
HEADINGS = {"SH": 2, "SS": 3, "Sh": 2, "Ss": 3}  # below the name of the page
PARAGRAPHS = word_set("PP P LP Pp IP TP TQ HP RS RE sp br Lp It Bl El INDENT UNINDENT")
FONTS = word_set("B I R BI BR IB IR RB RI SM SB")
# of mdoc: their arguments are words of the sentence
WORDS = word_set("Nm Fl Ar Cm Ic Li Em Sy Ql Dq Sq Pa Ev Va Vt Fn Fa Xr No Op Pq Nd Dv Er Ft Tn")
CODE_START, CODE_END = word_set("nf EX Bd"), word_set("fi EE Ed")
TABLE_START, TABLE_END = "TS", "TE"
SIGNS = {
    r"\[rs]": "\\",
    r"\[aq]": "'",
    r"\[dq]": '"',
    r"\(la": "<",
    r"\(ra": ">",
    r"\(em": "—",
    r"\(en": "–",
    r"\(bu": "•",
    r"\(aq": "'",
    r"\(dq": '"',
    r"\(lq": "“",
    r"\(rq": "”",
    r"\(oq": "‘",
    r"\(cq": "’",
    r"\(co": "©",
    r"\(rs": "\\",
    r"\(ha": "^",
    r"\(ti": "~",
    r"\-": "-",
    r"\ ": " ",
    r"\~": " ",
    r"\e": "\\",
    r"\.": ".",
    r"\'": "'",
    r"\`": "`",
}
SIGN = re.compile("|".join(map(re.escape, SIGNS)))
FONT = re.compile(
    r"\\f(?:\[[^\]]*\]|\(..|.)|\\s[-+]?\d|\\[&%|^/,:0dupct)]|\\[*$](?:\[[^\]]*\]|\(..|.)"
    r"|\\[mMF]\[[^\]]*\]|\\[hvwlLDoNXZ]'[^']*'"
)
COMMENT = re.compile(r"(?:^[.']\s*\\\"|\\\").*$")


def read_manual_page(document: RawDocument) -> Reading:
    """Return the passages of a manual page, with its name as the title of the first."""
    reader = _PageReader()
    for line in document.text.replace("\r\n", "\n").replace("\\\n", "").split("\n"):
        reader.read(line)
    reader.end_paragraph()
    left_out = counted("tables", reader.tables, "table", "tables")
    return Reading(passages_of(reader.blocks, reader.title), tuple(left_out), title=reader.title)


class _PageReader:
    """The blocks so far, and the lines of the paragraph that is being read."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.title = ""
        self.tables = 0
        self._lines: list[str] = []
        self._in_code = self._in_table = self._is_heading = self._in_synopsis = False
        self._level = 0

    def read(self, line: str) -> None:
        """Read the next line: a request, or text."""
        line = COMMENT.sub("", line) if '\\"' in line else line
        request = REQUEST.match(line)
        if self._in_table:
            self._in_table = not (request and request[1] == TABLE_END)
        elif request:
            self._request(request[1] or "", request[2])
        elif line.strip():
            self._text(line)
        else:
            self.end_paragraph()

    def end_paragraph(self) -> None:
        """Add what was read since the last paragraph."""
        text = ("\n" if self._in_code else " ").join(self._lines).strip()
        self._lines = []
        if text:
            is_code = self._in_code or (self._in_synopsis and not _is_sentence(text))
            self.blocks.append(Block("code" if is_code else "prose", text))

    def _request(self, name: str, rest: str) -> None:
        if name in HEADINGS:
            self._in_code = self._leave_code()
            self._in_synopsis = False
            self._level, self._is_heading = HEADINGS[name], not rest.strip()
            if rest.strip():
                self._heading(" ".join(_arguments(rest)))
        elif name in ("TH", "Dt"):
            self.title = _plain(" ".join(_arguments(rest)[:1])).lower()
            self.blocks.append(Block("heading", self.title, 1))
        elif name in CODE_START or name in CODE_END:
            self.end_paragraph()
            self._in_code = name in CODE_START
        elif name == TABLE_START:
            self.end_paragraph()
            self.tables += 1
            self._in_table = True
        elif name in PARAGRAPHS:
            self.end_paragraph()
        elif name in FONTS:
            joint = " " if len(name) == 1 or name in ("SM", "SB") else ""
            self._text(joint.join(_arguments(rest)))
        elif name in WORDS:
            self._text(" ".join(_arguments(rest)))

    def _leave_code(self) -> bool:
        self.end_paragraph()
        return False

    def _text(self, line: str) -> None:
        if self._is_heading:
            self._heading(_plain(line))
        else:
            self._lines.append(_plain(line))

    def _heading(self, text: str) -> None:
        self._is_heading = False
        self._in_synopsis = _plain(text).lower() == "synopsis"
        self.blocks.append(Block("heading", _plain(text), self._level))


def _is_sentence(text: str) -> bool:
    """Return whether a text among the forms of a command is a sentence about them."""
    line = text.replace("\n", " ")
    ends = line.endswith((".", ":", "!")) and not line.endswith("..")
    return ends and line[:1].isupper() and bool(PROSE_LINE.match(line)) and "[" not in line


def _arguments(text: str) -> list[str]:
    try:
        return shlex.split(text.replace("\\", "\\\\").replace("'", "\\'"))
    except ValueError:  # a quote that is not closed
        return text.replace('"', "").split()


def _plain(text: str) -> str:
    """Return the text without the codes of fonts, and with its signs."""
    return FONT.sub("", SIGN.sub(lambda sign: SIGNS[sign.group()], text)).strip()
