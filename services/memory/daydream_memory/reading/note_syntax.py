"""What editors of notes add to Markdown: links in double brackets, comments, queries, callouts.

Obsidian, Logseq, Hugo, Jekyll and others mix these with plain Markdown. Here they become plain
Markdown, or nothing. Code is left as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from daydream_memory.reading.passages import LeftOut, counted
from daydream_memory.reading.word_lists import word_set

FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})[ \t]*\{?\.?([\w-]*)[^\n`]*$")
CODE_SPAN = re.compile(r"(`{1,8}[^`\n]{1,1000}`{1,8})")
QUERY_LANGUAGES = word_set(
    "dataview dataviewjs tasks query button base bases tracker chart meta-bind timeline kanban "
    "excalidraw compressed-json ad-toc toc leaflet"
)
QUERY_SPAN = re.compile(r"^`+\$?=\s")
COMMENT = re.compile(r"%%.*?%%", re.DOTALL)
SHORT_CODE = re.compile(
    r"\{\{[<%].{0,1000}?[>%]\}\}|\{%.{0,1000}?%\}|<%.{0,1000}?%>"
    r"|\{\{(?:query|embed|renderer|video|tweet)\b[^}\n]{0,1000}\}\}",
    re.DOTALL,
)
EMBED = re.compile(r"!\[\[[^\]\[\n]{0,500}\]\]")
DATA_PICTURE = re.compile(r"!?\[[^\]\[\n]{0,500}\]\(\s{0,9}<?data:[^)\s]*(?:\s[^)\n]{0,500})?\)")
DATA_DEFINITION = re.compile(r"^( {0,3}\[[^\]\n]+\]:)\s*<?data:\S+", re.MULTILINE)
LINK = re.compile(r"\[\[([^\]\[|\n]{1,500})(?:\\?\|([^\]\n]{0,500}))?\]\]")
BLOCK_ID = re.compile(r"[ \t]+\^[\w-]+[ \t]*$", re.MULTILINE)
LONE_BLOCK_ID = re.compile(r"^\^[\w-]+[ \t]*$", re.MULTILINE)
CALLOUT = re.compile(r"^([ \t]*(?:>[ \t]*)+)\[![\w-]+(?:\|[^\]]*)?\][+-]?[ \t]*(.*)$", re.MULTILINE)
FIELD = re.compile(r"^([ \t]*(?:[-*>][ \t]+){0,9})([\w][\w /-]{0,40})::[ \t]*(.*)$", re.MULTILINE)
INLINE_FIELD = re.compile(r"[\[(]([\w][\w -]{0,40})::\s*([^\])\n]*)[\])]")
TASK = re.compile(r"^([ \t]*(?:[-*+]|\d+[.)])[ \t]+)\[[ xX/\-!?>]\][ \t]+", re.MULTILINE)
STATE = re.compile(
    r"^([ \t]*[-*+][ \t]+)(?:TODO|DONE|DOING|LATER|NOW|WAITING)[ \t]+(?:\[#[A-C]\][ \t]+)?",
    re.MULTILINE,
)
BLOCK_REFERENCE = re.compile(r"\(\([0-9a-f-]{8,40}\)\)")
TASK_MARK = re.compile(r"[📅⏳🛫✅➕❌🔁⏫🔼🔽🔺⏬]\ufe0f?(?:[ \t]*\d{4}-\d{2}-\d{2})?")
HIGHLIGHT = re.compile(r"==(?=\S)([^=\n]{1,1000}?)(?<=\S)==")
FOOTNOTE = re.compile(r"^\[\^[^\]\n]+\]:[ \t]*", re.MULTILINE)
DEFINITION = re.compile(r"^( {0,3}\[[^\]^\n]+\]:[ \t]*\S+)", re.MULTILINE)
FOOTNOTE_MARK = re.compile(r"\[\^[^\]\n]+\]")
TAG_LINE = re.compile(r"^[ \t]*(?:#[^\W\d][\w/-]*[ \t]*)+$", re.MULTILINE)
TAG = re.compile(r"(?<![\w#&/])#([^\W\d][\w/-]*)")
ATTRIBUTES = re.compile(r"(?<=[)\]])\{[^{}\n]{1,200}\}")
COLON_FENCE = re.compile(r"^[ \t]*:{3,}[^\n]*$|^[ \t]*\{:[^}\n]*\}[ \t]*$", re.MULTILINE)
MATH = re.compile(r"\\\((.{1,1000}?)\\\)|\\\[(.{1,2000}?)\\\]", re.DOTALL)
FIELD_WORDS_MIN = 5
EXCALIDRAW = re.compile(
    r"^==⚠\s+Switch to EXCALIDRAW|^#+ Excalidraw Data|^```compressed-json", re.MULTILINE
)
DRAWING = re.compile(r"^(?:%%\n)?#+ Drawing[ \t]*$.*\Z", re.MULTILINE | re.DOTALL)
EMBEDDED_FILE = re.compile(r"^[0-9a-f]{20,}:.*$", re.MULTILINE)
DRAWING_HINT = re.compile(r"^==⚠.*$", re.MULTILINE)


@dataclass
class NoteReport:
    """What was removed from a note, and the tags that stood in it."""

    comments: int = 0
    queries: int = 0
    embeds: int = 0
    drawings: int = 0
    tags: list[str] = field(default_factory=list)

    def left_out(self) -> list[LeftOut]:
        """Return the report for a person."""
        return [
            *counted("comments", self.comments, "comment", "comments"),
            *counted("queries", self.queries, "query or template", "queries or templates"),
            *counted(
                "pictures", self.embeds, "embedded picture or note", "embedded pictures or notes"
            ),
            *counted("drawings", self.drawings, "drawing", "drawings"),
        ]


def plain_markdown(text: str) -> tuple[str, NoteReport]:
    """Return the text in plain Markdown, and what was removed from it."""
    report = NoteReport()
    if EXCALIDRAW.search(text):
        text, report.drawings = DRAWING.subn("", DRAWING_HINT.sub("", text))
        text = re.sub(
            r"^#+ (Excalidraw Data|Text Elements|Element Links|Embedded Files)[ \t]*$",
            "",
            text,
            flags=re.MULTILINE,
        )
        text = EMBEDDED_FILE.sub("", text.replace("%%", ""))
    parts = []
    for code, part in _segments(text):
        if code is None:
            parts.append(_plain(part, report))
        elif code.lower() in QUERY_LANGUAGES:
            report.queries += 1
        else:
            parts.append(part)
    return "\n".join(parts), report


def _segments(text: str) -> list[tuple[str | None, str]]:
    """Return (language, text) of each block of fenced code, and (None, text) of what is between."""
    segments: list[tuple[str | None, str]] = []
    lines: list[str] = []
    fence, language = "", ""
    for line in text.split("\n"):
        mark = FENCE.match(line)
        if not fence and mark:
            segments.append((None, "\n".join(lines)))
            lines, fence, language = [line], mark.group(1), mark.group(2)
        elif fence and mark and mark.group(1).startswith(fence) and not mark.group(2):
            segments.append((language, "\n".join([*lines, line])))
            lines, fence = [], ""
        else:
            lines.append(line)
    segments.append((language if fence else None, "\n".join(lines)))
    return segments


def _plain(text: str, report: NoteReport) -> str:
    text, comments = COMMENT.subn("", text)
    text, short_codes = SHORT_CODE.subn("", text)
    report.comments += comments
    report.queries += short_codes
    pieces = CODE_SPAN.split(text)
    for place, piece in enumerate(pieces):
        if place % 2 and QUERY_SPAN.match(piece):
            report.queries += 1
            pieces[place] = ""
        elif not place % 2:
            pieces[place] = _words(piece, report)
    return "".join(pieces)


def _words(text: str, report: NoteReport) -> str:
    text, embeds = EMBED.subn("", text)
    text, pictures = DATA_PICTURE.subn("", DATA_DEFINITION.sub(r"\1 picture", text))
    report.embeds += embeds + pictures
    text = LINK.sub(_link_words, text)
    text = LONE_BLOCK_ID.sub("", BLOCK_ID.sub("", text))
    text = CALLOUT.sub(_callout_title, text)
    text = FIELD.sub(_field_words, INLINE_FIELD.sub(r"\2", text))
    text = TASK_MARK.sub("", TASK.sub(r"\1", text))
    text = BLOCK_REFERENCE.sub("", STATE.sub(r"\1", text))
    text = HIGHLIGHT.sub(r"\1", text)
    text = FOOTNOTE_MARK.sub("", FOOTNOTE.sub("\n", text))
    text = DEFINITION.sub(r"\n\1", text)
    for line in TAG_LINE.findall(text):
        report.tags += TAG.findall(line)
    text = TAG.sub(r"\1", TAG_LINE.sub("", text))
    text = MATH.sub(lambda formula: f"${(formula[1] or formula[2]).strip()}$", text)
    return COLON_FENCE.sub("", ATTRIBUTES.sub("", text))


def _link_words(link: re.Match[str]) -> str:
    """Return the words of a link: those given for it, else the name of the note and the heading."""
    if link[2]:
        return link[2]
    names = [name.strip(" ^") for name in link[1].split("#") if name.strip(" ^")]
    return ", ".join(name.rsplit("/", 1)[-1] for name in names)


def _callout_title(callout: re.Match[str]) -> str:
    return f"{callout[1]}{callout[2]}\n{callout[1]}" if callout[2].strip() else callout[1]


def _field_words(line: re.Match[str]) -> str:
    """Keep a field that holds a sentence. Others are data about the note, such as its status."""
    sentence = len(line[3].split()) >= FIELD_WORDS_MIN
    return f"{line[1]}{line[2]}: {line[3]}" if sentence else ""
