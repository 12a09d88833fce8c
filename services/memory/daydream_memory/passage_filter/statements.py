"""Whether a block states something: it has the words of a sentence, and not only names."""

from __future__ import annotations

from daydream_memory.passage_filter.features import TextFeatures
from daydream_memory.passage_filter.patterns import is_section_entry

# A statement has this many words, of which this share are stop words
WORDS_MIN, STOP_SHARE_MIN = 4, 0.1
WORDS_MIN_WITHOUT_END = 7
STOP_SHARE_MIN_WITHOUT_END = 0.15
# in scripts without blanks a long text without small words is a table of signs
WORD_LINES_MIN = 6  # of a list of words, one on each line
UNSPACED_WORDS_LONG, UNSPACED_STOP_SHARE_MIN = 20, 0.05
ITEM_WORDS_MIN = 3.5
CAPITAL_SHARE_MENU = 0.6


def says_something(block: TextFeatures) -> bool:
    """Whether a block has the words of a statement, and not only names."""
    if block.unspaced:
        if len(block.lines) >= WORD_LINES_MIN and block.words_per_line < ITEM_WORDS_MIN:
            return bool(block.sentence_ends)
        is_long = block.word_count >= UNSPACED_WORDS_LONG
        has_particles = block.stop_share >= (UNSPACED_STOP_SHARE_MIN if is_long else 0.001)
        return block.word_count >= WORDS_MIN and (has_particles or bool(block.sentence_ends))
    if len(block.lines) == 1 and is_section_entry(block.lines[0]):
        return False  # a heading with its number
    if block.sentence_ends:
        return block.word_count >= WORDS_MIN * min(2, block.sentence_ends) and (
            block.stop_share >= STOP_SHARE_MIN or block.capital_share <= CAPITAL_SHARE_MENU
        )
    return (
        block.word_count >= WORDS_MIN_WITHOUT_END
        and block.stop_share >= STOP_SHARE_MIN_WITHOUT_END
        and block.capital_share <= CAPITAL_SHARE_MENU
    )
