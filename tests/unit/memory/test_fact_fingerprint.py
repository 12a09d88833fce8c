"""Which texts are one fact."""

from __future__ import annotations

import pytest

from daydream_memory.fact_fingerprint import fingerprint


@pytest.mark.parametrize(
    ("text", "copy"),
    [
        (
            "Salt was once so dear that armies were paid in it.",
            "salt  was once so dear that armies were paid in it",
        ),
        (
            "He called it \u201cthe salt road\u201d \u2013 a nickname.",
            'He called it "the salt road" - a nickname.',
        ),
        ("The \ufb01nal \ufb02ow is e\ufb03cient.", "The final flow is efficient."),
        ("The cooling of the con- tainer is slow.", "The cooling of the container is slow."),
        ("The cool\u00ading is slow.", "The cooling is slow."),
        ("A cafe\u0301 in Z\u00fcrich.", "A caf\u00e9 in Zu\u0308rich."),
        ("It was \u22125 degrees.", "It was -5 degrees."),
    ],
)
def test_copies_that_differ_only_in_typography_are_one_fact(text: str, copy: str) -> None:
    assert fingerprint(text) == fingerprint(copy)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("The yield increases with heat.", "The yield decreases with heat."),
        ("It works in 12 of 14 cases.", "It works in 13 of 14 cases."),
        ("It weighs 10\u00b2 kg.", "It weighs 102 kg."),
        ("It was +5 degrees.", "It was -5 degrees."),
        ("A share of 5 % is enough.", "A share of 5 is enough."),
        ("It is not so.", "It is so."),
        ("x < y holds.", "x > y holds."),
        ("H2O and CO2", "H20 and CO2"),
        ("\u0915\u093f \u0939\u0948", "\u0915\u093e \u0939\u0948"),
        ("... !!! ... ???", "?!? ... ... ---"),
        ("A and B", "A & B"),
        ("Der Druck ist 3,5 bar.", "Der Druck ist 35 bar."),
        (
            "\u6c34\u306f\u4f4e\u304d\u306b\u6d41\u308b",
            "\u6c34\u306f\u9ad8\u304d\u306b\u6d41\u308b",
        ),
    ],
)
def test_another_word_number_or_sign_makes_another_fact(text: str, other: str) -> None:
    assert fingerprint(text) != fingerprint(other)
