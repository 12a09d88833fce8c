"""The forms of lines and headings that the rules of the passage filter know."""

from __future__ import annotations

import re

ROMAN_DIGITS, CODE_ENDS = tuple("ivxlc"), tuple(";{}")
LOG_LINE = re.compile(
    r"^\W*(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d[-/.]\d\d[-/.]\d{4}|[A-Z][a-z]{2}\s+\d{1,2}|\w+\s*\|)?"
    r"[T\s]*\[?\d\d:\d\d:\d\d\b"
    r"|^\W*(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL)\b[\]:/ \d]"
    r"|^\W*[EWI](?:[\]:/] | ?\d)"  # "I have" begins a sentence
    r'|^\s*File ".+", line \d+|^Traceback \(|^\s*at [\w$.<>]+\(|^\[\s*\d+\.\d+\]'
    r"|^\s*\d{1,3}(?:\.\d{1,3}){3}\s.*\[\d|^\d{10,13}[.\s]|^(?:step|epoch|iter\w*)\W*\d+\b.*\d\.\d"
    r"|^\w*(?:Error|Exception): |^[A-Za-z][\w.-]*\[\d{2,}\]: "
    # of a compiler, and of tests that run
    r"|^\s*(?:[\w.@+-]*/)*[\w@+-][\w.@+-]*\.[A-Za-z]\w{0,4}[:(]\d+(?:[:,]\d+)?\)?: \S"
    r"|^\[\s*(?:RUN|OK|FAILED|PASSED|SKIPPED|DISABLED)\s*\] "
)
CONTENTS_LINE = re.compile(
    r"(?:\.\s?){4,}\s*[\divxlc]+\s*$|…\s*\d+\s*$|[·・]{3,}\s*\d+\s*$|\s{3,}\d{1,4}\s*$"
    r"|^\W*(?:\d+(?:\.\d+)*\.?|[A-Z]\.\d*)\s+\D{3,80}[\s\t]\d{1,4}\s*$"
    r"|, \d+(?:[-–]\d+)?(?:, \d+(?:[-–]\d+)?)*$"
)
# An entry without a page: the number of a section and its title
SECTION_ENTRY = re.compile(
    r"^\W*(?:\d{1,3}|[A-Z])(?:\.\d{1,3})+\.?\s+(?=[^\W\d_])[^a-z][^.!?;=]{0,100}$"
)
# Whatever words stand beside it: of a shell, or of a template
SURE_CODE = re.compile(
    r"\{[%#]-? |\{\{-? ?(?:\$|\.|range |end\b|if |else\b|with )"
    r"|(?:^|; |\s)(?:if|for|while|until) [^.!?]{1,120}; ?(?:then|do)\b|^\s*case \S+ in\b"
    r"|[├└]─"  # a tree of files
)
SURE_CODE_SIGNS = "{", ";", "─"
CODE_LINE = re.compile(
    r"^\s*(?:\$|>>>|\.\.\.|In \[\d*\]:|%|C:\\\S*>|#!|\w+@\w+[:~])\s"
    r"|^\s*(?:def|class|import|from|return|if|for|while|elif|else|try|except|with|fn|let|const|var"
    r"|func|public|private|static|void|int|struct|package|use|export|sudo|apt|apt-get|pip|npm|git"
    r"|docker|cd|make|curl|echo|cmake|SELECT|INSERT|CREATE|FROM|RUN|COPY)\b.*[(){}:;=<>/\[\]-]"
    r"|^\s*[\w.\[\]'\"]+\s*(?:=|:=|\+=|<-)\s*\S|^\s*@\w+|^\s*</?(?![A-Z_]+> [a-z])\w+[^>]*>"
    r"|^\s*[\w.]+\(.*\)\s*$"
    r"|^['.]\\?\"|^\.[A-Za-z]{1,2}\b|^\s*--?\w[\w-]*(?:[ =,:]|$)|^\s*#\s*(?:include|define|if)"
    r"|^\s*(?://|/\*|\*/|#\s)|^\s*usage:|^\s*\"[\w-]+\":|^\s*\[[\w.-]+\]\s*$"
)
CHANGE_START = re.compile(
    r"\S+ \(\S+\) .*; urgency=|[A-Z][a-z]{2} \d{1,2}, \d{4}: | ?-- .+ <\S+@\S+>"
    r"|v?\d+\.\d+(?:\.\w+)*\s*(?:\(|[-–/]|:?$)|version \d+\.\d|\d{4}-\d\d-\d\d  ?\S+"
    r"|[\w+-]+ v?\d+(?:\.\d+)+ +\(?\d{4}-\d\d-\d\d"
    # what version control writes: commits, who made them, and which files they changed
    r"|(?:commit|merge:|index) [0-9a-f]{7,64}\b|[a-z]+(?:-[a-z]+)?-by: .+"
    r"|(?:author|commit): .+<\S+@"
    r"|(?:author|commit)?date: .*\d{4}|\S.* \| +(?:\d+ [+-]*|bin\b.*)$|\d+ files? changed\b"
    r"|[\w./+-]+\.\w{1,5} \([^)]*\): |[\w+-]+/[\w./+-]+(?:, [\w./+-]+)*(?: \([^)]*\))?: ",
    re.I,
)
# How an entry begins in a document that is a record of changes
CHANGE_VERB = re.compile(
    r"\W*(?:[a-z0-9]{1,2}\.\s+)?"
    r"(?:fix|add|remov|chang|improv|updat|bump|renam|deprecat|drop)p?(?:e?[ds]|es)?\b"
    r"|\W*(?:[a-z0-9]{1,2}\.\s+)?(?:new |there (?:is|are) (?:a )?new |support(?:s|ed)? (?:for )?)",
    re.I,
)
CHANGE_SIGNS = "closes:", "new upstream", "bump", "lp: #", "standards", "debhelper", "#", "!"
CHANGE_PATHS = "d/control", "d/rules", "d/copyright", "d/changelog", "debian/"
CHANGE_WORDS = re.compile(
    r"\bcloses: ?#?\d|\bnew upstream|\bbump\b|\bLP: #\d|standards[- ]version|debhelper"
    r"|(?:d|debian)/(?:control|rules|copyright|changelog|patches|watch|compat|tests|source)\b"
    r"|debian/[\w-]+\.\w|\((?:[\w./-]+)?[#!]\d+[^()]*\)\W*$",
    re.I,
)


# Words of a link that stands behind a text
MORE_LINKS = (
    "read more",
    "show more",
    "continue reading",
    "weiterlesen",
    "mehr erfahren",
    "lire la suite",
    "leer más",
    "читать далее",
    "続きを読む",
    "阅读更多",
)
MORE_LINK_CHARS, LINK_SIGNS = 24, " .…»›→>"


def without_more_link(text: str) -> str:
    """Return a text without the words of a link to more that stand behind its sentences."""
    tail = text[-MORE_LINK_CHARS:].rstrip(LINK_SIGNS).lower()
    for words in MORE_LINKS:
        if tail.endswith(words):
            rest = text.rstrip(LINK_SIGNS)[: -len(words)].rstrip(LINK_SIGNS[0] + LINK_SIGNS[2:])
            return rest if rest.endswith((".", "!", "?", "。")) else text
    return text


def is_log_line(line: str) -> bool:
    """Return whether a line begins with a time or a level, or is one of a trace of errors."""
    return bool(LOG_LINE.match(line))


def is_contents_line(line: str) -> bool:
    """Return whether a line ends like an entry of a table of contents."""
    last = line.rstrip()[-1:]
    return (last.isdigit() or last in ROMAN_DIGITS) and bool(CONTENTS_LINE.search(line))


# Fields before a text, as in mails and packages; with a hyphen in one they are no sentences
FIELD_LINE = re.compile(r"[A-Z][A-Za-z]*(?:-[A-Za-z]+)*: \S")
FIELD_WITH_HYPHEN = re.compile(r"[A-Z][A-Za-z]*(?:-[A-Za-z]+)+: \S")


def is_field_line(line: str) -> bool:
    """Return whether a line is a field of a header."""
    return bool(FIELD_LINE.match(line))


def is_field_with_hyphen(line: str) -> bool:
    """Return whether a line is a field whose name has several words."""
    return bool(FIELD_WITH_HYPHEN.match(line))


def begins_change(text: str) -> bool:
    """Return whether a text begins as the entry of a record of changes."""
    return bool(CHANGE_VERB.match(text))


def is_section_entry(line: str) -> bool:
    """Return whether a line is the number of a section and its title."""
    return bool(SECTION_ENTRY.match(line))


def is_code_line(line: str) -> bool:
    """Return whether a line is one of a program or a command."""
    return line.rstrip()[-1:] in CODE_ENDS or bool(CODE_LINE.match(line))


def has_sure_code(text: str) -> bool:
    """Return whether a text has what no prose has, whatever words stand beside it."""
    return any(sign in text for sign in SURE_CODE_SIGNS) and bool(SURE_CODE.search(text))


def is_change_line(line: str) -> bool:
    """Return whether a line is one of a record of changes."""
    if CHANGE_START.match(line.lstrip()):
        return True
    lowered = line.lower()
    signs = (*CHANGE_SIGNS, *CHANGE_PATHS)
    return any(sign in lowered for sign in signs) and bool(CHANGE_WORDS.search(line))


VERSION_TITLE = re.compile(
    r"what[’']?s new in \S*\d|(?:^|/ )\W*(?:v|version |release )\s?\d+(?:\.\d+)+"
    r"|(?:^|/ )\W*\d+\.\d+\.\d+\S*\s*(?:$|[-–(\[/])"
    r"|(?:^|/ )\W*\d{4}[-.]\d\d[-.]\d\d\b.*\bversion \d",
    re.I,
)
# The text of a known licence stands under such a heading
LICENCE_TITLE = re.compile(
    r"(?:^|/ )[^/]*\b(?:GNU|GPL|Apache|MIT|BSD|ISC|Mozilla|Creative Commons|Artistic|Eclipse|Boost"
    r"|zlib|Blue Oak|Public|Free Documentation|Software|End[- ]User|Open)\b[^/]*\blicen[cs]e\b"
    r"(?: agreement| version)?[^/a-z]*(?:/|$)",
    re.I,
)
# Headings below the number of a version
CHANGE_GROUP = re.compile(
    r"/ \W*(?:[a-z'-]+ ){0,2}(?:added|changes|changed|fix|fixes|fixed|removed|removals|security"
    r"|deprecated|deprecations|features?|improvements|enhancements|documentation|updates|new"
    r"|misc|miscellaneous)\W*$",
    re.I,
)
DIGIT = re.compile(r"\d")


def names_version(title: str) -> bool:
    """Return whether a heading path names the version of a program."""
    return bool(DIGIT.search(title) and VERSION_TITLE.search(title))


def names_changes(title: str) -> bool:
    """Return whether a heading path names a version, and below it a kind of changes."""
    return bool(CHANGE_GROUP.search(title)) and names_version(title)


def names_licence(title: str) -> bool:
    """Return whether a heading path names a known licence."""
    return "licen" in title.lower() and bool(LICENCE_TITLE.search(title))


LICENCE_WORD = re.compile(
    r"licen[cs]|copyright|distribut|warrant|liab|patent|source code|program|library|software|\bwork"
    r"|modif|\bterms?\b|recipient|permission|public domain",
    re.I,
)
POINTER = re.compile(
    r"^if you (?:are interested|want to (?:know|learn|read|see) more|would like to know)\b"
    r"[^.!?]*\b(?:see|discussion|refer|read|check|visit|look|available)\b[^!?]*$"
    r"|^\W*(?:[^.!?]{1,80}\?\s+)?"
    r"(?:see|see also|refer to|read|for (?:more|further|full|additional|details?|an? example)"
    r"|more|learn more|please (?:see|refer|consult|check|visit|read)|implements"
    r"|siehe|voir|véase|см\.|详见|参照)\b(?:[^.!?]|\.(?=\w))*(?:[.!?:]\W*|$)(?!\s*\w)"
    r"|^\W*(?:run|type|use|try)\b[^.!?]{1,40} for (?:more|further|details?|help|usage|a list)\b"
    r".{0,40}$|^(?:For|To) [^.!?]{1,80}, see\b[^.!?]*[.!?]?\W*$"
    r"|^[^.!?]{1,100}(?::| at| under) *(?:https?://\S+|#\d+)\W*$"
    r"|^(?:[\w'’-]+ ){0,4}(?:documentation|docs|manual|source code|details|information|examples)"
    r" (?:is|are|can be) (?:available|found|hosted|located|online|published)\b[^.!?]{0,120}[.!?]?$"
    r"|^[^.!?]{1,80}\b(?:is|are|exists?|found|available|located) (?:here|there|below|online)\W*$"
    r"|^[^.!?]{0,80}\b(?:documentation|docs|page|content|project|repository|wiki|file|document"
    r"|article|chapter|section)\b[^.!?]{0,20}"
    r"\b(?:has|have|was|were|is|are) (?:been )?moved (?:to|into)\b(?:[^.!?]|[.?](?=\S))*[.!?]?\W*$",
    re.I,
)
# A sentence that only says what a part of the document is about
ABOUT_PART = re.compile(
    r"^(?:this|the(?: following| next| other)?|these) (?:sub)?"
    r"(?:chapter|section|page|reference|guide|appendix|book|tutorial|manual|document|lesson"
    r"|directory|folder|repository|specification|table|figure|diagram)s? (?:also |above |below )?"
    r"(?:cover|describe|explain|list|contain|detail|document|discuss|introduce|provide|show|give"
    r"|display|summari[sz]e)"
    r"(?:e?s)?\b(?! that\b)[^.!?]*[.!?]?\W*$",
    re.I,
)
FURTHER = re.compile(
    r"\bfor (?:more|further|full|additional|details?|help|usage|a list|an explanation)\b|\bmore\b"
    r"|(?:https?://\S+|#\d+)\W*$"
    r"|\b(?:available|found|hosted|located|online|published|consult|here)\b"
    r"|^see also\b|\bmoved to\b|^if you (?:are|want|would)\b"
    r"|^see (?:\S+ ){1,6}(?:documentation|docs|guide|manual|section|page|chapter|readme|polic"
    r"|examples?|directory|distribution|below|above)",
    re.I,
)
