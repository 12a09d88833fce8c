"""Tell an entry of a reference list from a sentence that cites."""

from __future__ import annotations

import re

YEAR = r"(?:19|20)\d\d"
ANY_YEAR = re.compile(rf"\b{YEAR}")
MARKS = {
    "year": re.compile(
        rf"\(\s?{YEAR}[a-z]?\s?\)|[.,;]\s{YEAR}[a-z]?\s?[.,;:(]|\b{YEAR}[;:]|（{YEAR}）|,\s?{YEAR}\b"
        rf"|[,(]\s?(?:[A-Z][a-z]{{2,8}}\.?\s)?{YEAR}(?:\)?\.?$|,\s)"
    ),
    "initials": re.compile(
        r"(?:^|[\s,;&(])[^\W\d_a-z]\.(?:[\s-]?[^\W\d_a-z]\.)*(?:[,;:&]|\s|$)"
        r"|\b[A-Z][\w'’-]+,?\s[A-Z]{1,3}(?:,|;|\.|\s&|\sand\s)"
    ),
    "pages": re.compile(
        r"\b(?:pp?|S|с|стр)\.\s?\d+|:\s?e?\d+\s?[-–—]\s?\d+|,\s\d+\s?[-–—]\s?\d+\.?"
        r"|\d+\s?\(\d+(?:[-–]\d+)?\)|页|ページ"
    ),
    "locator": re.compile(
        r"\bdoi\b|\b10\.\d{4,}/|arxiv|\bISBN\b|\bISSN\b|PMID|https?://|\bavailable (?:at|from)\b"
        r"|\bretrieved\b|\baccessed\b|\[online\]|\bURL\b|\[[JMDCR]\]|\bRFC\s?\d+|Zugriff|abgerufen"
        r"|дата обращения",
        re.I,
    ),
    "venue": re.compile(
        r"\b(?:Journal|Proceedings|Proc\.|Conference|Conf\.|Transactions|Trans\.|Letters|Lett\."
        r"|Review|Annals|Advances|Press|Springer|Elsevier|Wiley|IEEE|ACM|Nature|Science|Symposium"
        r"|Workshop|Rev\.|Phys\.|Biol\.|Chem\.|Soc\.|Univ\.|Technical Report|thesis|Vol\.|No\."
        r"|[A-Z][a-z]{1,5}\.\s[A-Z][a-z]{2,9}\.?(?:\s[A-Z][a-z]{2,9}\.?)?,|Zeitschrift|Verlag|Revue"
        r"|Revista|Журнал|Вестник|Изд)|学报|大学出版社|出版社|学会誌|論文誌"
    ),
    "title": re.compile(r"[\"“][^\"“”]{15,250}[,.][\"”]\s"),
    "publisher": re.compile(r"\b[A-Z]\w+: (?:[A-Z][\w&]+ ?){1,4}[.,]"),
    "authors": re.compile(
        r"\bet al\b|\([Ee]ds?\.?\)|\bu\.\s?a\.|\bEds?\.\b|\(Hrsg\.\)|\band others\b|и др\.|等[.．]"
    ),
}
ENTRY_START = re.compile(
    r"^\s*(?:\[[\w+-]{1,14}\]|\(?\d{1,3}[.)])\s|^[A-ZÀ-ÖØ-ÞА-Я][\w'’-]+,\s[A-ZА-Я]\."
)
SAID = re.compile(
    r"\b(?:show(?:s|ed|n)?|found|finds?|report(?:s|ed)?|suggest(?:s|ed)?|demonstrat\w+|we|was|were"
    r"|is|are|has|have|can|propos\w+|zeigt\w*|fand\w*|ist|sind|wurde|montr\w+|est|sont"
    r"|показал\w*)\b"
)
MARKS_MIN = 3
MARKS_MIN_IN_SECTION = 1
ENTRY_CHARS_MAX = 700
SAID_MAX = 1


def is_reference(entry: str, *, in_section: bool) -> bool:
    """Return whether a text is an entry of a reference list.

    `in_section`: it stands under a heading such as "References", where less evidence is needed.
    """
    if len(entry) > ENTRY_CHARS_MAX or not (in_section or _has_year(entry)):
        return False
    said = len(SAID.findall(entry))
    if in_section:
        return _has_marks(entry, MARKS_MIN_IN_SECTION + (said > SAID_MAX))
    return said < len(MARKS) - MARKS_MIN and _has_marks(entry, MARKS_MIN + said)


def _has_year(entry: str) -> bool:
    return ("19" in entry or "20" in entry) and bool(ANY_YEAR.search(entry))


def _has_marks(entry: str, needed: int) -> bool:
    """Return whether an entry has this number of kinds of marks. Stop looking once it is clear."""
    left = len(MARKS)
    needed -= bool(ENTRY_START.match(entry))
    for pattern in MARKS.values():
        if needed <= 0 or needed > left:
            break
        needed -= bool(pattern.search(entry))
        left -= 1
    return needed <= 0
