"""A file with passwords is read without quoting it."""

from __future__ import annotations

from pathlib import Path

import pytest

from daydream_console.protected_documents import passwords_of
from daydream_contracts.errors import ConfigurationError


def test_each_line_is_a_password_with_its_blanks(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    file.write_text("first\n\n with blanks \n")
    assert passwords_of(file) == ("first", " with blanks ")
    assert passwords_of(None) == ()


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00secret", b"secret" * 200, b"secret\n" * 101]
)
def test_a_file_that_cannot_be_used_is_refused_without_its_content(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "passwords"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as refusal:
        passwords_of(file)
    assert "secret" not in str(refusal.value)
    assert str(file) in str(refusal.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        passwords_of(tmp_path / "none")
