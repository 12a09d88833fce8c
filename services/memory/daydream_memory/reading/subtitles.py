"""Subtitles and lyrics to passages: what is said, one passage every few minutes.

WebVTT, SRT, SBV, ASS, TTML and LRC.

Rolling captions repeat the line before: what the last caption ended with is not said again.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from daydream_memory.reading.line_joining import join_lines
from daydream_memory.reading.passages import Passage, RawDocument, Reading, counted

TIMES = re.compile(
    r"^\s*(?:(\d+):)?(\d{1,2}):(\d{2})[.,]\d{1,3}\s*(?:-->|,)\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}"
)
TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<[\d:.]+>|\{\\[^}]*\}")
SPEAKER = re.compile(r"^\s*(?:-\s*)?(?:>>\s*)?(?:[A-Z][A-Z .'\d-]{1,30}:\s+)?")
SOUND = re.compile(r"\[[^\]\n]*\]|\([A-Z][A-Z ]+\)|♪[^♪]*♪?|&nbsp;")
SCRIPT = re.compile(r"\s*\[Script Info\]", re.IGNORECASE)
# layer, start, end, style, name, three margins, effect, text
DIALOGUE = re.compile(
    r"^Dialogue:\s*[^,\n]*,(\d+):(\d\d):(\d\d)\.\d+,(?:[^,\n]*,){7}(.*)$", re.MULTILINE
)
DRAWING = re.compile(r"\{[^}]*\\p[1-9][^}]*\}.*?(?:\{[^}]*\\p0[^}]*\}|$)")
HEAD_CHARS = 2_000
LYRICS = re.compile(r"\s*(?:\[[a-z]+:[^\]\n]*\]\s*){0,20}\[\d+:\d\d(?:[.:]\d+)?\]")
LYRICS_LINE = re.compile(
    r"^(?:\[\d+:\d\d(?:[.:]\d+)?\])*\[(\d+):(\d\d)(?:[.:]\d+)?\](.*)$", re.MULTILINE
)
TIMED_TEXT = re.compile(r"<(?:\w+:)?tt[\s>]")
PARAGRAPH = re.compile(
    r"<(?:\w+:)?p\b[^<>]*\bbegin=\"(?:(\d+):)?(?:(\d+):)?(\d+)[^\"<>]*\"[^<>]*>"
    r"(.{0,2000}?)</(?:\w+:)?p>",
    re.DOTALL,
)
LINE_BREAK = re.compile(r"<(?:\w+:)?br\s*/>")
NUMBER_AND_TIMES = re.compile(r"\n(?=\d+\s*\n[\d:.,]+\s*-->)")  # with no blank line before
PASSAGE_SECONDS = 300
NOTE = re.compile(r"^(NOTE|STYLE|REGION)\b")


def read_subtitles(document: RawDocument) -> Reading:
    """Return the passages, each with the time at which it begins in its title."""
    passages: list[list[str]] = []
    starts: list[int] = []
    before = ""
    sounds = 0
    for second, caption in _captions(document.text.replace("\r\n", "\n")):
        text = html.unescape(TAG.sub("", caption))
        text, count = SOUND.subn(" ", text)
        sounds += count
        lines = [" ".join(SPEAKER.sub("", line).split()) for line in text.split("\n")]
        text = " ".join(line for line in lines if line)
        new = _new_words(before, text)
        before = text or before
        if not new:
            continue
        if not starts or second - starts[-1] >= PASSAGE_SECONDS:
            starts.append(second)
            passages.append([])
        passages[-1].append(new)
    found_passages = tuple(
        Passage(join_lines(texts, frozenset()), _clock(start) if len(starts) > 1 else "")
        for start, texts in zip(starts, passages, strict=True)
    )
    return Reading(
        found_passages, tuple(counted("sounds", sounds, "sound or music", "sounds or music"))
    )


def _captions(text: str) -> Iterator[tuple[int, str]]:
    """Yield the second at which each caption begins, and its lines."""
    if SCRIPT.match(text):
        for line in DIALOGUE.finditer(text):
            hours, minutes, seconds = (int(part) for part in line.groups()[:3])
            spoken = DRAWING.sub("", line[4])
            caption = re.sub(r"\\[Nn]", "\n", spoken).replace("\\h", " ")
            yield hours * 3600 + minutes * 60 + seconds, caption
        return
    if LYRICS.match(text):
        for line in LYRICS_LINE.finditer(text):
            yield int(line[1]) * 60 + int(line[2]), line[3]
        return
    if TIMED_TEXT.search(text[:HEAD_CHARS]):
        for line in PARAGRAPH.finditer(text):
            hours, minutes, seconds = (int(part or 0) for part in line.groups()[:3])
            yield hours * 3600 + minutes * 60 + seconds, LINE_BREAK.sub("\n", line[4])
        return
    for paragraph in re.split(r"\n\s*\n", NUMBER_AND_TIMES.sub("\n\n", text)):
        lines = paragraph.strip("\n").split("\n")
        for place, line in enumerate(lines[:3]):
            times = TIMES.match(line)
            if times and not NOTE.match(lines[0]):
                hours, minutes, seconds = (int(part or 0) for part in times.groups())
                yield hours * 3600 + minutes * 60 + seconds, "\n".join(lines[place + 1 :])
                break


def _new_words(before: str, text: str) -> str:
    """Return the words that the caption before did not end with."""
    old, new = before.split(), text.split()
    for count in range(min(len(old), len(new)), 0, -1):
        if old[-count:] == new[:count]:
            return " ".join(new[count:])
    return text


def _clock(second: int) -> str:
    return f"{second // 3600}:{second // 60 % 60:02}:{second % 60:02}"
