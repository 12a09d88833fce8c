"""Judge blocks by what stands around them: licences, running heads, and lines that lead on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from daydream_memory.passage_filter.lexicon import load_lexicon
from daydream_memory.passage_filter.rules import (
    CODE,
    FRAGMENTS,
    LICENCES,
    REPETITION,
    has_licence_word,
)
from daydream_memory.passage_filter.screened_block import ScreenedBlock
from daydream_memory.passage_filter.scripts import join_sentences
from daydream_memory.passage_filter.sentences import split_sentences
from daydream_memory.reading.word_lists import word_set

RUNNING_TIMES_MIN = 3  # a short block that stands this often in a document is a running head
RUNNING_CHARS_MAX = 240
LICENCE_GAP_MAX = 3  # blocks between two licence blocks that belong to the licence
SENTENCE_MARKS = (".", "!", "?", "。", "！", "？", "।")
LEADS_ON = (":", "：")
INTRODUCES = (*LEADS_ON, ",", "，")  # "Hello Bo," is no sentence that was interrupted
OPEN_LEAD_WORDS_MAX = 20  # a longer one says something besides
# Such a lead says nothing, however long it is
LEAD_END = re.compile(
    r"\b(?:run|use|try|type|enter|execute|invoked? as|write|follows|following|like this"
    r"|for example)\W*$",
    re.I,
)
OPEN_WORDS = word_set("to at from in of with by is are the a an use run via as visit under see")
# "The following example command lists all runs." stands before a program, and only names it
NAMES_PROGRAM = re.compile(
    r"^(?:the following|this|here is|below is|the next|the (?:program|example|code) below)\b"
    r"[^.!?]{0,80}"
    r"\b(?:examples?|commands?|code|snippets?|listing|programs?|scripts?)\b",
    re.I,
)
# what a notebook says above a step of its program
STEP = re.compile(
    r"^(?:first|then|now|next|finally)?,?\s*(?:let[’']?s |we )?(?:also )?(?:now )?"
    r"(?:get|create|construct|import|install|set|add|define|load|open|make|build|start|connect"
    r"|check|select|print|compute|calculate|read|write|call|convert|plot|show|run|initiali[sz]e"
    r"|fetch|draw|display|import|instantiate|generate|apply|visuali[sz]e)\b",
    re.I,
)
STEP_WORDS_MAX = 8  # what a command does takes some words to say
SHOWS = re.compile(
    r"^(?:here|below) (?:is|are)\b|^[^.!?]{0,100}\bthe following [\w -]{1,40}[.:]$"
    r"|^this is a list of\b",
    re.I,
)
REST_WORDS_MAX = 20
# what may interrupt a sentence
APART = frozenset((CODE, FRAGMENTS, "navigation", "encoded-data"))


def with_licence_gaps(blocks: list[ScreenedBlock]) -> list[ScreenedBlock]:
    """Give a few blocks between two licence blocks to the licence, if they sound like it."""
    licences = [at for at, block in enumerate(blocks) if block.junk == LICENCES]
    result = list(blocks)
    for before, after in pairwise(licences):
        if after - before - 1 > LICENCE_GAP_MAX:
            continue
        for at in range(before + 1, after):
            if not blocks[at].junk and has_licence_word(blocks[at].text):
                result[at] = replace(blocks[at], junk=LICENCES)
    return result


def without_running_heads(blocks: list[ScreenedBlock]) -> list[ScreenedBlock]:
    """Remove what stands again and again. Sentences stay where they stand first."""
    times = Counter(block.text for block in blocks if len(block.text) <= RUNNING_CHARS_MAX)
    seen: set[str] = set()
    result = []
    for block in blocks:
        repeated = times[block.text] >= RUNNING_TIMES_MIN and not block.junk
        again = block.text in seen or not block.text.endswith(SENTENCE_MARKS)
        result.append(replace(block, junk=REPETITION) if repeated and again else block)
        seen.add(block.text)
    return result


def with_leads(blocks: list[ScreenedBlock]) -> list[ScreenedBlock]:
    """Join a fragment that leads on, such as "Materials:", with the block after it."""
    return list(_joined(blocks))


def _joined(blocks: list[ScreenedBlock]) -> Iterator[ScreenedBlock]:
    lead: ScreenedBlock | None = None
    for block in blocks:
        if lead is not None and (
            block.junk not in ("", FRAGMENTS) or block.passage is not lead.passage
        ):
            yield lead
            lead = None
        if block.junk == FRAGMENTS and block.text.endswith(LEADS_ON):
            if lead is not None:
                yield lead
            lead = block
        elif lead is not None and not block.junk:
            sentences = (lead.text, *block.sentences) if block.sentences else ()
            yield replace(block, text=join_sentences(lead.text, block.text), sentences=sentences)
            lead = None
        else:
            yield block
    if lead is not None:
        yield lead


def without_open_leads(blocks: list[ScreenedBlock]) -> list[ScreenedBlock]:
    """Remove the sentences that say nothing without what was removed beside them.

    "Run this in the folder:" leads to a program, "To read more, go to" leads to a link, and "and
    then it starts" continues behind one.
    """
    result = list(blocks)
    for at, block in enumerate(blocks):
        if block.junk:
            continue
        before = blocks[at - 1] if at else None
        after = blocks[at + 1] if at + 1 < len(blocks) else None
        is_rest = before is not None and _is_rest(before, block)
        if is_rest or _only_names(block, after):
            result[at] = replace(block, junk=FRAGMENTS)
        elif _leads_on(block.text) and not _continues(block, after):
            result[at] = _without_last(block)
    return result


def _only_names(block: ScreenedBlock, after: ScreenedBlock | None) -> bool:
    """Return whether a block is one short sentence that names what was left out behind it."""
    if block.sentences or len(block.text.split()) > OPEN_LEAD_WORDS_MAX:
        return False
    is_step = STEP.match(block.text) and len(block.text.split()) <= STEP_WORDS_MAX
    names = is_step or NAMES_PROGRAM.match(block.text)
    names_program = after is not None and after.junk == CODE and names
    shows = SHOWS.match(block.text) and not _continues(block, after)
    return bool(names_program or shows) and len(split_sentences(block.text)) == 1


def _continues(block: ScreenedBlock, after: ScreenedBlock | None) -> bool:
    """Return whether the next block is content under the same heading."""
    return after is not None and not after.junk and after.passage.title == block.passage.title


def _leads_on(text: str) -> bool:
    """Return whether a text ends with a colon, or in the middle of a sentence."""
    return text.endswith(LEADS_ON) or text.rsplit(maxsplit=1)[-1].lower() in OPEN_WORDS


def _is_rest(before: ScreenedBlock, block: ScreenedBlock) -> bool:
    """Return whether a short paragraph continues a sentence that was removed."""
    if before.junk not in APART or before.text.endswith(INTRODUCES) or block.sentences:
        return False
    first, *rest = block.text.lstrip(" .…").split() or [""]
    # a name from a program begins a sentence as it is written, so only small words tell
    return first.strip(",;:") in load_lexicon().stop_words and len(rest) < REST_WORDS_MAX


def _without_last(block: ScreenedBlock) -> ScreenedBlock:
    """Return the block without its last sentence if that is short."""
    parts = list(block.sentences) or split_sentences(block.text)
    if len(parts[-1].split()) > OPEN_LEAD_WORDS_MAX and not LEAD_END.search(parts[-1]):
        return block
    if len(parts) == 1:
        return replace(block, junk=FRAGMENTS)
    sentences = tuple(parts[:-1]) if block.sentences else ()
    return replace(block, text=" ".join(parts[:-1]), sentences=sentences)
