"""The forms of lines and headings that the rules of the passage filter know."""

from __future__ import annotations

import re

ROMAN_DIGITS, CODE_ENDS = tuple("ivxlc"), tuple(";{}")
LOG_LINE = re.compile(
    r"^\W*(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d[-/.]\d\d[-/.]\d{4}|[A-Z][a-z]{2}\s+\d{1,2}|\w+\s*\|)?"
    r"[T\s]*\[?\d\d:\d\d:\d\d\b"
    r"|^\W*(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|E|W|I)\b[\]:/ \d]"
    r'|^\s*File ".+", line \d+|^Traceback \(|^\s*at [\w$.<>]+\(|^\[\s*\d+\.\d+\]'
    r"|^\s*\d{1,3}(?:\.\d{1,3}){3}\s.*\[\d|^\d{10,13}[.\s]|^(?:step|epoch|iter\w*)\W*\d+\b.*\d\.\d"
    r"|^\w*(?:Error|Exception): "
)
CONTENTS_LINE = re.compile(
    r"(?:\.\s?){4,}\s*[\divxlc]+\s*$|…\s*\d+\s*$|[·・]{3,}\s*\d+\s*$|\s{3,}\d{1,4}\s*$"
    r"|^\W*(?:\d+(?:\.\d+)*\.?|[A-Z]\.\d*)\s+\D{3,80}[\s\t]\d{1,4}\s*$"
    r"|, \d+(?:[-–]\d+)?(?:, \d+(?:[-–]\d+)?)*$"
)
CODE_LINE = re.compile(
    r"^\s*(?:\$|>>>|\.\.\.|In \[\d*\]:|%|C:\\\S*>|#!|\w+@\w+[:~])\s"
    r"|^\s*(?:def|class|import|from|return|if|for|while|elif|else|try|except|with|fn|let|const|var"
    r"|func|public|private|static|void|int|struct|package|use|export|sudo|apt|apt-get|pip|npm|git"
    r"|docker|cd|make|curl|echo|cmake|SELECT|INSERT|CREATE|FROM|RUN|COPY)\b.*[(){}:;=<>/\[\]-]"
    r"|^\s*[\w.\[\]'\"]+\s*(?:=|:=|\+=|<-)\s*\S|^\s*@\w+|^\s*</?\w+[^>]*>|^\s*[\w.]+\(.*\)\s*$"
    r"|^['.]\\?\"|^\.[A-Za-z]{1,2}\b|^\s*--?\w[\w-]*(?:[ =,]|$)|^\s*#\s*(?:include|define|if)"
    r"|^\s*(?://|/\*|\*/|#\s)|^\s*usage:|^\s*\"[\w-]+\":|^\s*\[[\w.-]+\]\s*$"
)
CHANGE_START = re.compile(
    r"\S+ \(\S+\) .*; urgency=| ?-- .+ <\S+@\S+>"
    r"|v?\d+\.\d+(?:\.\w+)*\s*(?:\(|[-–/]|:?$)|version \d+\.\d|\d{4}-\d\d-\d\d  ?\S+",
    re.I,
)
CHANGE_SIGNS = "closes:", "new upstream", "bump", "lp: #", "standards", "debhelper", "(#"
CHANGE_PATHS = "d/control", "d/rules", "d/copyright", "d/changelog", "debian/"
CHANGE_WORDS = re.compile(
    r"\bcloses: ?#?\d|\bnew upstream|\bbump\b|\bLP: #\d|standards[- ]version|debhelper"
    r"|d/(?:control|rules|copyright|changelog)|debian/\w+|\(#\d+\)\.?$",
    re.I,
)


def is_log_line(line: str) -> bool:
    """Return whether a line begins with a time or a level, or is one of a trace of errors."""
    return bool(LOG_LINE.match(line))


def is_contents_line(line: str) -> bool:
    """Return whether a line ends like an entry of a table of contents."""
    last = line.rstrip()[-1:]
    return (last.isdigit() or last in ROMAN_DIGITS) and bool(CONTENTS_LINE.search(line))


def is_code_line(line: str) -> bool:
    """Return whether a line is one of a program or a command."""
    return line.rstrip()[-1:] in CODE_ENDS or bool(CODE_LINE.match(line))


def is_change_line(line: str) -> bool:
    """Return whether a line is one of a record of changes."""
    if CHANGE_START.match(line):
        return True
    lowered = line.lower()
    signs = (*CHANGE_SIGNS, *CHANGE_PATHS)
    return any(sign in lowered for sign in signs) and bool(CHANGE_WORDS.search(line))


VERSION_TITLE = re.compile(
    r"(?:^|/ )\W*(?:v|version |release )\s?\d+(?:\.\d+)+"
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
DIGIT = re.compile(r"\d")


def names_version(title: str) -> bool:
    """Return whether a heading path names the version of a program."""
    return bool(DIGIT.search(title) and VERSION_TITLE.search(title))


def names_licence(title: str) -> bool:
    """Return whether a heading path names a known licence."""
    return "licen" in title.lower() and bool(LICENCE_TITLE.search(title))


LICENCE_WORD = re.compile(
    r"licen[cs]|copyright|distribut|warrant|liab|patent|source code|program|library|software|\bwork"
    r"|modif|\bterms?\b|recipient|permission",
    re.I,
)
POINTER = re.compile(
    r"^\W*(?:see|see also|refer to|read|for (?:more|further|full|additional|details?|an? example)"
    r"|more|learn more|please (?:see|refer)|implements|siehe|voir|véase|см\.|详见|参照)\b[^.!?]*"
    r"(?:[.!?:]\W*|$)(?!\s*\w)",
    re.I,
)
FURTHER = re.compile(r"\bfor (?:more|further|full|additional|details?)\b|\bmore\b", re.I)
