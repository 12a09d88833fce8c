"""Find the documents of folders, without following what leads out of them."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from daydream_console.ingest import Content, Offered, load
from daydream_console.sources import SourceDocument, files_in, is_hidden
from daydream_console.sources.folders import changed_files, load_file
from daydream_console.sources.source_document import UnreadableSourceError
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
        ".obsidian/app.json",
        "sub/.cache/e.md",
    ):
        file = tmp_path / "notes" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (tmp_path / "notes" / "empty").mkdir()
    return tmp_path / "notes"


def names(documents: list[SourceDocument], folder: Path) -> list[str]:
    return [document.source.removeprefix(f"{folder}/") for document in documents]


def skipped(folder: Path) -> dict[str, str]:
    return {
        Path(document.source).name: document.skipped
        for document in files_in([folder]).documents
        if document.skipped
    }


def test_all_files_below_a_folder_are_found_in_a_stable_order_and_hidden_ones_are_counted(
    notes: Path,
) -> None:
    listed = files_in([notes])
    assert names(listed.documents, notes) == ["a.txt", "b.md", "sub/c.md", "sub/deep/d.jsonl"]
    assert listed.hidden == 4
    assert names(files_in([notes]).documents, notes) == names(listed.documents, notes)


def test_a_named_file_or_folder_is_read_even_if_it_is_hidden(notes: Path) -> None:
    paths = [notes / ".hidden.md", notes / ".git", notes / "a.txt"]
    assert names(files_in(paths).documents, notes) == [".hidden.md", ".git/config", "a.txt"]


def test_an_empty_folder_and_no_paths_give_no_files(notes: Path) -> None:
    assert files_in([notes / "empty"]).documents == []
    assert files_in([]).documents == []


def test_a_missing_path_is_an_error_that_names_it(notes: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        files_in([notes, notes / "nowhere"])


def test_links_are_followed_to_files_of_the_same_folder_only(notes: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("secret")
    (notes / "broken.md").symlink_to(notes / "gone.md")
    (notes / "out.md").symlink_to(secret)
    (notes / "etc").symlink_to("/etc")
    (notes / "loop").symlink_to(notes)
    (notes / "self").symlink_to(notes / "self")
    (notes / "inside.md").symlink_to(notes / "a.txt")
    listed = skipped(notes)
    assert listed.keys() == {"broken.md", "out.md", "etc", "loop", "self"}
    assert listed["out.md"] == listed["etc"] == "a link out of the folder; it is not followed"
    assert listed["broken.md"] == listed["self"] == "a link to nothing"
    documents = {Path(each.source).name: each for each in files_in([notes]).documents}
    assert documents["inside.md"].load() == b"a.txt"
    (named,) = files_in([notes / "out.md"]).documents
    assert named.load() == b"secret", "a link that a person names is followed"


def test_a_file_that_became_a_link_after_it_was_found_is_not_followed(
    notes: Path, tmp_path: Path
) -> None:
    (document,) = (each for each in files_in([notes]).documents if each.source.endswith("a.txt"))
    (tmp_path / "secret.md").write_text("secret")
    (notes / "a.txt").unlink()
    (notes / "a.txt").symlink_to(tmp_path / "secret.md")
    with pytest.raises(UnreadableSourceError, match="can't be read"):
        document.load()


def test_pipes_devices_and_sockets_are_skipped_and_said(notes: Path) -> None:
    os.mkfifo(notes / "pipe.md")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(notes / "socket.md"))
    assert skipped(notes) == dict.fromkeys(
        ("pipe.md", "socket.md"), "a pipe, a device or a socket, no document"
    )
    (named,) = files_in([Path("/dev/zero")]).documents
    assert named.skipped == "a pipe, a device or a socket, no document"
    with pytest.raises(UnreadableSourceError, match="no document"):
        load_file(Path("/dev/zero"))


def test_any_file_name_is_read_under_a_name_that_can_be_printed(tmp_path: Path) -> None:
    odd = [b"latin-\xfc.md", b"line\nbreak.md", b"-dash.md", b"<b>.md", "\u202egnp.md".encode()]
    for name in odd:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(name)
    listed = files_in([tmp_path]).documents
    contents = [load(document) for document in listed]
    loaded = {Path(c.source).name: c.data for c in contents if isinstance(c, Content)}
    assert loaded.keys() == {
        r"latin-\xfc.md",
        r"line\nbreak.md",
        "-dash.md",
        "<b>.md",
        r"\u202egnp.md",
    }
    assert sorted(loaded.values()) == sorted(odd)


def test_what_cannot_be_read_is_a_refusal_and_the_others_are_read(
    notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daydream_console.sources.folders.BYTES_MAX", 5)
    results = [load(document) for document in files_in([notes]).documents]
    assert [type(result).__name__ for result in results] == [
        "Content",
        "Content",
        "Offered",
        "Offered",
    ]
    refused = results[-1]
    assert isinstance(refused, Offered)
    assert refused.report is not None
    assert refused.report.status == "refused"
    assert "the maximum is 256 MB per file" in refused.report.note


def test_a_folder_that_cannot_be_listed_is_said_and_nothing_below_counts_as_gone(
    notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("daydream_console.sources.folders.os.scandir", refuse)
    listed = files_in([notes])
    assert listed.closed == [str(notes / "sub")]
    with pytest.raises(UnreadableSourceError, match="Permission denied"):
        listed.documents[-1].load()


def test_the_attachments_of_a_zotero_library_are_read_and_its_own_data_is_not(
    tmp_path: Path,
) -> None:
    for name in (
        "zotero.sqlite",
        "zotero.sqlite.bak",
        "styles/nature.csl",
        "translators/a.js",
        "storage/ABCD2345/paper.pdf",
    ):
        file = tmp_path / "Zotero" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (tmp_path / "styles").mkdir()
    (tmp_path / "styles" / "notes.md").write_text("a note")
    read = [each.source for each in files_in([tmp_path]).documents if not each.skipped]
    assert read == [
        str(tmp_path / "Zotero/storage/ABCD2345/paper.pdf"),
        str(tmp_path / "styles/notes.md"),
    ]


def test_a_change_in_a_followed_folder_is_found_as_the_folder_itself_is(
    notes: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.md").write_text("secret")
    (notes / "out.md").symlink_to(tmp_path / "secret.md")
    changed = {
        Path(document.source).name: document.skipped
        for document in changed_files([notes / "out.md", notes / "a.txt"], [notes])
    }
    assert changed == {"a.txt": "", "out.md": "a link out of the folder; it is not followed"}
    assert is_hidden(notes / ".obsidian" / "app.json", [notes])
    assert not is_hidden(notes / ".git" / "config", [notes / ".git"])
