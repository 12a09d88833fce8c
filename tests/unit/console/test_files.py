"""Find the documents of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from daydream_console.files import files_under
from daydream_contracts.errors import ConfigurationError


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    for name in (
        "b.md",
        "a.txt",
        "sub/c.md",
        "sub/deep/d.jsonl",
        ".hidden.md",
        ".git/config",
        "sub/.cache/e.md",
    ):
        file = tmp_path / "notes" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (tmp_path / "notes" / "empty").mkdir()
    return tmp_path / "notes"


def test_all_files_below_a_folder_are_found_in_a_stable_order_without_hidden_ones(
    notes: Path,
) -> None:
    names = [file.relative_to(notes).as_posix() for file in files_under([notes])]
    assert names == sorted(names)
    assert set(names) == {"a.txt", "b.md", "sub/c.md", "sub/deep/d.jsonl"}
    assert files_under([notes]) == files_under([notes])


def test_a_named_file_is_included_even_if_it_is_hidden(notes: Path) -> None:
    assert files_under([notes / ".hidden.md"]) == [notes / ".hidden.md"]


def test_a_named_hidden_folder_is_searched(notes: Path) -> None:
    assert files_under([notes / ".git"]) == [notes / ".git" / "config"]


def test_paths_keep_their_order(notes: Path) -> None:
    assert files_under([notes / "sub" / "c.md", notes / "a.txt"]) == [
        notes / "sub" / "c.md",
        notes / "a.txt",
    ]


def test_an_empty_folder_and_no_paths_give_no_files(notes: Path) -> None:
    assert files_under([notes / "empty"]) == []
    assert files_under([]) == []


def test_a_missing_path_is_an_error_that_names_it(notes: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        files_under([notes, notes / "nowhere"])


def test_a_broken_link_is_left_out(notes: Path) -> None:
    (notes / "broken.md").symlink_to(notes / "gone.md")
    assert "broken.md" not in [file.name for file in files_under([notes])]
