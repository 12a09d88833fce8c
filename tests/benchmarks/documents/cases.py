"""Small documents with what must become facts of them, and what must not."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass, field

from daydream_memory.chunking import texts_of
from daydream_memory.reading import read_document

LOSS = "Tidal turbines lose a tenth of their yield within two summers to mussels on the blades."
COATING = "Copper in a coating keeps mussels away, but it harms the larvae of oysters nearby."
FELT = "Felt forms when wet wool is rubbed, since the scales of its fibres creep one way only."
PICTURE = base64.b64encode(random.Random(0).randbytes(20_000)).decode()
REFERENCES = (
    "1. Miller A, Jones B (2017). Fouling of blades. J. Mar. Sci. 12(3), 45-67.\n"
    "2. Ito K (2019). Copper in harbours. Sea Letters 4, 1-9. https://doi.org/10.1000/sl.2019.4\n"
)
LICENCE = (
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software,"
    " to deal in the software without restriction.\n\nThe software is provided without warranty of"
    " any kind, including the warranties of merchantability and fitness for a particular purpose."
)
BANNER = (
    "<div><p>We and our 214 partners use cookies to personalise content and ads. Accept all or"
    " manage cookies.</p></div>"
)
LOG = "\n".join(f"2024-03-01 12:00:{second:02} INFO reading block {second}" for second in range(30))
NUMBERS = "\n".join(
    " ".join(f"{row * column * 0.37:.2f}" for column in range(8)) for row in range(9)
)


@dataclass(frozen=True)
class DocumentCase:
    """A document. Its facts hold each of `facts`, and nothing of `junk`."""

    name: str
    document: str
    facts: tuple[str, ...] = (LOSS,)
    junk: tuple[str, ...] = ()
    titles: tuple[str, ...] = field(default=())


CASES = (
    DocumentCase(
        "picture.md",
        f"# Straits\n\n{LOSS}\n\n![p](data:image/png;base64,{PICTURE})\n",
        junk=(PICTURE[:40],),
        titles=("Straits",),
    ),
    DocumentCase(
        "picture-beside-text.txt",
        f"{LOSS} ![p](data:image/png;base64,{PICTURE}) {FELT}",
        facts=(LOSS, FELT),
        junk=(PICTURE[:40],),
    ),
    DocumentCase(
        "references.md",
        f"# Review\n\n{LOSS}\n\n## References\n\n{REFERENCES}",
        junk=("Miller", "Sea Letters"),
    ),
    DocumentCase(
        "references.txt",
        f"Review\n\n{LOSS}\n\nReferences\n\n{REFERENCES}",
        junk=("Miller", "Sea Letters"),
    ),
    DocumentCase(
        "references-without-a-heading.md",
        f"# Review\n\n{LOSS}\n\n{REFERENCES}",
        junk=("Miller", "Sea Letters"),
    ),
    DocumentCase(
        "literatur.md", f"# Bericht\n\n{LOSS}\n\n# Literatur\n\n{REFERENCES}", junk=("Miller",)
    ),
    DocumentCase(
        "citing.md",
        f"# Review\n\n{LOSS} Ito et al. (2019) found the same in harbours.",
        facts=(LOSS, "Ito et al. (2019) found the same in harbours."),
    ),
    DocumentCase(
        "banner.html",
        f"<html><body>{BANNER}<h2>Yield</h2><p>{LOSS}</p></body></html>",
        junk=("cookies",),
        titles=("Yield",),
    ),
    DocumentCase(
        "banner.txt",
        "We use cookies to personalise ads. Accept all cookies.\n\n" + LOSS,
        junk=("cookies",),
    ),
    DocumentCase(
        "law.md",
        f"# Law\n\n{LOSS} Since 2018 a site needs consent to store cookies.",
        facts=(LOSS, "Since 2018 a site needs consent to store cookies."),
    ),
    DocumentCase(
        "contents.txt",
        "Contents\n\n1 Yield ........ 1\n2 Coatings ....... 7\n\n" + LOSS,
        junk=("Coatings ...",),
    ),
    DocumentCase(
        "tool.md",
        f"# Tool\n\n{LOSS}\n\n## License\n\n{LICENCE}",
        junk=("hereby granted", "merchantability"),
    ),
    DocumentCase("log.txt", f"{LOSS}\n\n{LOG}", junk=("INFO",)),
    DocumentCase("numbers.txt", f"{LOSS}\n\n{NUMBERS}", junk=("0.37",)),
    DocumentCase(
        "menu.html",
        "<html><body><ul><li>Home</li><li>News</li><li>People</li></ul>"
        f"<p>{LOSS}</p></body></html>",
        junk=("News",),
    ),
    DocumentCase(
        "code.md",
        f"# Use\n\n{LOSS}\n\n```\nfor b in blades:\n  clean(blade)\n```\n",
        junk=("clean(blade)",),
    ),
    DocumentCase(
        "head.txt",
        "\n\n".join(
            f"Annual report of the harbour, part two\n\n{text}" for text in (LOSS, COATING, FELT)
        ),
        facts=(LOSS, COATING, FELT),
        junk=("Annual report of the harbour",),
    ),
    DocumentCase(
        "table.md",
        "# Fouling\n\n| Species | Habitat |\n|---|---|\n"
        "| Mytilus | the lee side of turbine blades in narrow straits |\n",
        facts=("Mytilus", "the lee side of turbine blades in narrow straits"),
        junk=("|", "---"),
    ),
    DocumentCase(
        "table-of-numbers.md",
        f"# Runs\n\n{LOSS}\n\n| a | b | c |\n|---|---|---|\n"
        "| 0.31 | 0.42 | 0.55 |\n| 0.30 | 0.44 | 0.52 |\n",
        junk=("0.31",),
    ),
    DocumentCase(
        "japanese.txt",
        "銅は貝を羽根から遠ざけるが、近くの牡蠣の幼生を害する。",
        facts=("銅は貝を羽根から遠ざけるが、近くの牡蠣の幼生を害する。",),
        titles=("japanese",),
    ),
    DocumentCase(
        "chinese.md",
        "# 结果\n\n铜能使贻贝远离叶片，但也会伤害附近的牡蛎幼体。",
        facts=("铜能使贻贝远离叶片，但也会伤害附近的牡蛎幼体。",),
        titles=("结果",),
    ),
    DocumentCase(
        "korean.txt",
        "구리는 홍합이 날개에 붙는 것을 막지만 굴의 유생에 해를 준다.",
        facts=("구리는 홍합이 날개에 붙는 것을 막지만 굴의 유생에 해를 준다.",),
    ),
    DocumentCase("short.md", "# Idea\n\nCopper kills mussels.", facts=(), junk=("Copper",)),
    DocumentCase(
        "changelog.md",
        "# Changelog\n\n## 1.4.2 (2023-05-01)\n\n- Fix a typo in a text\n"
        "- Update the dependencies of the tool (#412)\n",
        facts=(),
        junk=("typo", "#412"),
    ),
    DocumentCase("list.md", f"# Findings\n\n- {LOSS}\n- {COATING}\n", facts=(LOSS, COATING)),
    DocumentCase("steps.txt", f"1. {LOSS}\n2. {COATING}\n3. {FELT}", facts=(LOSS, COATING, FELT)),
)


def wrong(case: DocumentCase) -> list[str]:
    """Return what is wrong with the facts of a case, nothing if they are right."""
    result = read_document(case.document.encode(), case.name)
    facts = texts_of(result, source=case.name, chars_max=900).texts
    text = " ".join(fact.text for fact in facts)
    titles = {fact.title for fact in facts}
    return [
        *(f"missing: {wanted}" for wanted in case.facts if wanted not in text),
        *(f"junk: {unwanted}" for unwanted in case.junk if unwanted in text),
        *(f"no fact has the title {title}" for title in case.titles if title not in titles),
        *("no title" for fact in facts if not fact.title),
    ]
