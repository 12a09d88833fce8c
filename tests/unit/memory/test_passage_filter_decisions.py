"""The filter decides about each labelled passage as it did: to be quicker changes nothing.

`passage_filter_decisions.json` has for each passage the number of its facts, and the
kinds of what was left out. A change of the rules that is meant to decide otherwise writes it again:

    PYTHONPATH=tests .venv/bin/python -m unit.memory.test_passage_filter_decisions
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.documents.labelled import facts_from, labelled_passages

STORED = Path(__file__).with_name("passage_filter_decisions.json")


def _decisions() -> dict[str, list[int | str]]:
    documents = {passage.id: facts_from(passage) for passage in labelled_passages()}
    return {
        name: [len(document.texts), *(part.kind for part in document.left_out)]
        for name, document in documents.items()
    }


def test_each_labelled_passage_is_decided_as_before() -> None:
    stored = json.loads(STORED.read_text("utf-8"))
    decisions = _decisions()
    changed = {name: decisions[name] for name in decisions if decisions[name] != stored.get(name)}
    assert not changed


if __name__ == "__main__":
    rows = (f"{json.dumps(name)}: {json.dumps(kinds)}" for name, kinds in _decisions().items())
    STORED.write_text("{\n" + ",\n".join(rows) + "\n}\n", "utf-8")
