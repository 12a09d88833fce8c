"""The rules: by which measures a block has no content, and of which kind it is then.

A rule is a plain condition over a few features. Its thresholds are constants with names. All of
them were set on the tuning half of `tests/benchmarks/documents/passages.jsonl`; the figures in the
docs are of the other half (`make bench-documents`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from daydream_memory.passage_filter.features import TextFeatures
from daydream_memory.passage_filter.patterns import (
    ABOUT_PART,
    FURTHER,
    LICENCE_WORD,
    POINTER,
    has_sure_code,
    is_change_line,
    is_code_line,
    is_contents_line,
    is_field_line,
    is_field_with_hyphen,
    is_log_line,
    is_section_entry,
)
from daydream_memory.passage_filter.references import is_reference
from daydream_memory.passage_filter.signs import longest
from daydream_memory.passage_filter.statements import (
    ITEM_WORDS_MIN,
    STOP_SHARE_MIN,
    WORDS_MIN,
    WORDS_MIN_WITHOUT_END,
)

# Base64, keys, hashes, sequences: this share of the characters is in such runs
OPAQUE_SHARE_MIN = 0.35
# Numbers: this share of letters and digits are digits
DIGIT_SHARE_MIN = 0.45
DIGIT_SHARE_MIN_WITHOUT_STOP_WORDS = 0.3
# Programs and markup: signs per character, alone or where few words are stop words
CODE_SHARE_MIN, CODE_SHARE_MIN_WITHOUT_STOP_WORDS = 0.09, 0.035
PLAIN_SHARE_MIN = 0.4
KEY_SHARE_MIN = 0.15
FIELD_LINES_MIN = 3
CODE_LINE_SHARE_MIN, CODE_LINE_SHARE_SURE = 0.4, 0.7
CODE_STOP_SHARE_MAX, CODE_LINE_STOP_SHARE_MAX = 0.16, 0.35
PROSE_STOP_SHARE, PROSE_CODE_SHARE_MAX, PROSE_LETTER_SHARE_MIN = 0.3, 0.02, 0.85
# Logs, contents and reference lists: this share of the lines has the form of such a line
LINE_SHARE_MIN = 0.5
REFERENCE_SHARE_MIN = 0.5
# Notices and licences: phrases in a block, and words for each further phrase that is needed
WORDS_PER_NOTICE, WORDS_PER_LICENCE_PHRASE = 25, 60
LICENCE_PHRASES_MAX_NEEDED = 4
# Repetition within a block: fewer different tokens than this are a pattern
DISTINCT_SHARE_MIN, REPETITION_TOKENS_MIN = 0.1, 12
VARIED = 10  # this number of different tokens is that share of a hundred
LONG_WORD_CHARS = 80
# A pointer has at most this number of words, and names no thing in plain words
POINTER_WORDS_MAX, POINTER_PLAIN_SHARE_MAX = 25, 0.75
# Lists of people or pages: this share of the characters is in addresses
MENU_BORDER = re.compile(r"\s[|·•»›/>→–-]\s|\s{2,}|\|")
ADDRESS_SHARE_MIN, ADDRESS_STOP_SHARE_MAX = 0.3, 0.25

CHANGES, VERSIONS = "changes", "versions"  # the heading says so, or is a number of a version
CODE, LICENCES, NUMBERS, REPETITION = "code", "licences", "numbers", "repetition"
ENCODED, FRAGMENTS = "encoded-data", "fragments"


def is_encoded(block: TextFeatures) -> bool:
    """Base64, hashes, keys, sequences of letters."""
    if block.opaque_share >= OPAQUE_SHARE_MIN:
        return True
    is_long = longest(block.tokens) > LONG_WORD_CHARS
    return is_long and not block.unspaced and block.word_count < WORDS_MIN


def is_log(block: TextFeatures) -> bool:
    """Lines with times and levels, and traces of errors."""
    return block.line_share(is_log_line) >= LINE_SHARE_MIN


def is_contents(block: TextFeatures) -> bool:
    """Entries with a number of a page, or of a section."""
    if len(block.lines) > 1 and block.line_share(is_section_entry) >= LINE_SHARE_MIN:
        return not block.sentence_ends
    return (
        block.line_share(is_contents_line) >= LINE_SHARE_MIN and block.stop_share < PROSE_STOP_SHARE
    )


def is_numbers(block: TextFeatures) -> bool:
    """Numbers with few words."""
    if block.stop_share < STOP_SHARE_MIN:
        return block.digit_share >= DIGIT_SHARE_MIN_WITHOUT_STOP_WORDS
    return block.digit_share >= DIGIT_SHARE_MIN


def is_code(block: TextFeatures) -> bool:
    """Programs, commands, markup and configuration."""
    if has_sure_code(block.text):
        return True
    if block.stop_share >= PROSE_STOP_SHARE and block.sentence_ends:
        lines = block.line_share(is_code_line)
        return block.code_share >= 2 * CODE_SHARE_MIN or lines >= CODE_LINE_SHARE_SURE
    if _is_header(block):
        return True
    if block.code_share >= CODE_SHARE_MIN or block.key_share >= KEY_SHARE_MIN:
        return True
    if block.plain_share < PLAIN_SHARE_MIN and not block.unspaced:
        return True
    lines = block.line_share(is_code_line)
    if lines >= (CODE_LINE_SHARE_SURE if block.sentence_ends else CODE_LINE_SHARE_MIN):
        return block.stop_share < CODE_LINE_STOP_SHARE_MAX
    if block.stop_share >= CODE_STOP_SHARE_MAX:
        return False
    if block.code_share >= CODE_SHARE_MIN_WITHOUT_STOP_WORDS and not block.unspaced:
        return True
    return lines >= CODE_LINE_SHARE_MIN


def _is_header(block: TextFeatures) -> bool:
    """Fields as mails and packages have them."""
    return (
        len(block.lines) >= FIELD_LINES_MIN
        and block.line_share(is_field_line) >= CODE_LINE_SHARE_SURE
        and block.line_share(is_field_with_hyphen) > 0
    )


def is_reference_list(block: TextFeatures) -> bool:
    """Entries of a list of publications."""
    return _reference_share(block, in_section=False) >= REFERENCE_SHARE_MIN


def is_reference_in_section(block: TextFeatures) -> bool:
    """Ask the same under the heading of such a list."""
    return _reference_share(block, in_section=True) >= REFERENCE_SHARE_MIN


def is_licence(block: TextFeatures) -> bool:
    """Terms under which something may be used."""
    needed = 2 + block.word_count // WORDS_PER_LICENCE_PHRASE
    return _licence_phrases(block) >= min(needed, LICENCE_PHRASES_MAX_NEEDED)


def is_licence_in_section(block: TextFeatures) -> bool:
    """Whether a block under the heading of a licence belongs to it."""
    return has_licence_word(block.text)


def has_licence_word(text: str) -> bool:
    """Whether a text between two licence blocks sounds like them."""
    return bool(LICENCE_WORD.search(text))


def is_notice(block: TextFeatures) -> bool:
    """Cookie banners, sign-in boxes, footers of pages and of mails."""
    phrases = block.lexicon.notices.count(block.lowered, block.words)
    if phrases == 1 and block.sentence_ends and block.word_count > WORDS_PER_NOTICE // 2:
        return False
    return phrases >= 1 + block.word_count // WORDS_PER_NOTICE


def is_change_entry(block: TextFeatures) -> bool:
    """Entries of a record of changes, with versions and numbers of issues."""
    return block.line_share(is_change_line) >= LINE_SHARE_MIN


def is_repetitive(block: TextFeatures) -> bool:
    """Find the same few tokens again and again."""
    tokens = block.tokens
    if len(tokens) < REPETITION_TOKENS_MIN or len(set(tokens[:REPETITION_TOKENS_MIN])) >= VARIED:
        return False
    return block.distinct_share < DISTINCT_SHARE_MIN


def is_menu(block: TextFeatures) -> bool:
    """Many short items with capitals, or parts with bars or arrows between them."""
    if is_pager(block.text):
        return True
    if block.sentence_ends or block.unspaced or block.line_share(is_code_line) > 0:
        return False
    parts = MENU_BORDER.split(block.text)
    many = len(parts) > 2 and block.word_count / len(parts) < ITEM_WORDS_MIN
    short = len(block.lines) > 2 and block.words_per_line < ITEM_WORDS_MIN
    return (many or short) and block.stop_share < PROSE_STOP_SHARE


def is_pager(text: str) -> bool:
    """Return whether a text is the links to the pages before and after."""
    return text.startswith("<<") and text.rstrip(" .").endswith(">>")


def is_link_list(block: TextFeatures) -> bool:
    """Mostly addresses, of people or of pages."""
    return block.address_share >= ADDRESS_SHARE_MIN and block.stop_share < ADDRESS_STOP_SHARE_MAX


def is_pointer(block: TextFeatures) -> bool:
    """One short sentence that only names where to read on."""
    if block.word_count > POINTER_WORDS_MAX:
        return False
    if ABOUT_PART.match(block.text):
        return True
    if not POINTER.match(block.text):
        return False
    return block.plain_share < POINTER_PLAIN_SHARE_MAX or bool(FURTHER.search(block.text))


def _reference_share(block: TextFeatures, *, in_section: bool) -> float:
    entries = block.lines if len(block.lines) > 1 and _are_entries(block) else [block.text]
    references = sum(is_reference(entry, in_section=in_section) for entry in entries)
    return references / max(1, len(entries))


def _are_entries(block: TextFeatures) -> bool:
    return block.is_list or block.words_per_line > WORDS_MIN_WITHOUT_END


def _licence_phrases(block: TextFeatures) -> int:
    return block.lexicon.licences.count(block.lowered, block.words)


def first_kind(block: TextFeatures) -> str:
    """Return the kind of junk that a block is, "" if no rule holds.

    Most blocks are plain prose, for which the rules about lines and signs need no measuring.
    """
    rules = PROSE_RULES if is_plain_prose(block) else RULES
    for kind, rule in rules:
        if rule(block):
            return kind
    return ""


def is_plain_prose(block: TextFeatures) -> bool:
    """Whether a paragraph consists of sentences with few digits and signs."""
    return (
        not block.is_list
        and bool(block.sentence_ends)
        and block.stop_share >= PROSE_STOP_SHARE
        and block.code_share <= PROSE_CODE_SHARE_MAX
        and block.letter_share >= PROSE_LETTER_SHARE_MIN
    )


Rule = Callable[[TextFeatures], bool]
# In this order: what is surest first. The kind of the first rule that holds is reported.
RULES: tuple[tuple[str, Rule], ...] = (
    (ENCODED, is_encoded),
    ("logs", is_log),
    (REPETITION, is_repetitive),
    ("contents", is_contents),
    (LICENCES, is_licence),
    (CHANGES, is_change_entry),
    ("references", is_reference_list),
    (NUMBERS, is_numbers),
    ("notices", is_notice),
    ("navigation", is_menu),
    ("navigation", is_link_list),
    ("navigation", is_pointer),
    (CODE, is_code),
)
PROSE_RULES: tuple[tuple[str, Rule], ...] = (
    (REPETITION, is_repetitive),
    (LICENCES, is_licence),
    ("references", is_reference_list),
    ("notices", is_notice),
    ("navigation", is_pointer),
)
# Under a heading of this kind these hold too.
SECTION_RULES: dict[str, Rule] = {
    "references": is_reference_in_section,
    LICENCES: is_licence_in_section,
    CHANGES: lambda block: True,
    VERSIONS: lambda block: block.is_list or is_change_entry(block),
    "contents": lambda block: not block.sentence_ends,
    "navigation": lambda block: not block.sentence_ends,
    "notices": lambda block: True,
}
