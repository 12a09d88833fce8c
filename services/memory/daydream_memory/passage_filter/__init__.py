"""Which blocks of a document hold content, and what kind of junk the others are.

Data: passage → blocks → measures (`features`) → rules (`rules`) → texts that become facts, and
what was removed, by kind. A block is judged alone, then with its neighbours: a paragraph between
two paragraphs of a licence belongs to the licence. A short block that says nothing alone, such as
"Materials:", goes with the block after it.
"""

from daydream_memory.passage_filter.screening import ScreenedBlock, screen

__all__ = ["ScreenedBlock", "screen"]
