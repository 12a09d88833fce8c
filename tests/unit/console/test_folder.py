"""The data folder: one system at a time, complete files, and a token that others can't read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from daydream_console.local.folder import DataFolder, default_folder
from daydream_contracts.errors import ConfigurationError


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.make()
    return folder


@pytest.mark.fault("F37", invariant="one system at a time holds the folder")
def test_one_system_at_a_time_holds_the_folder(folder: DataFolder) -> None:
    other = DataFolder(folder.path)
    assert folder.hold()
    assert not other.hold()
    folder.release()
    assert other.hold()
    other.release()


def test_a_failed_try_does_not_release_the_lock_of_another(folder: DataFolder) -> None:
    assert folder.hold()
    assert [DataFolder(folder.path).hold() for _ in range(3)] == [False, False, False]
    folder.release()


def test_a_written_file_is_read_again(folder: DataFolder) -> None:
    folder.write("run.json", {"goal": 3})
    folder.write("run.json", {"goal": 4})
    assert folder.read("run.json") == {"goal": 4}


def test_a_failed_write_leaves_the_old_file(folder: DataFolder) -> None:
    folder.write("run.json", {"goal": 3})
    with pytest.raises(TypeError):
        folder.write("run.json", {"goal": object()})
    assert folder.read("run.json") == {"goal": 3}


def test_a_write_leaves_no_other_file_behind(folder: DataFolder) -> None:
    before = {file.name for file in folder.path.iterdir()}
    folder.write("run.json", {"goal": 3})
    assert {file.name for file in folder.path.iterdir()} == before | {"run.json"}


@pytest.mark.parametrize("content", [None, "", "{", '{"goal": '])
def test_a_missing_or_incomplete_file_is_read_as_empty(
    folder: DataFolder, content: str | None
) -> None:
    if content is not None:
        (folder.path / "run.json").write_text(content)
    assert folder.read("run.json") == {}


def test_only_the_owner_can_read_addresses_and_tokens(folder: DataFolder) -> None:
    folder.write("running.json", {"nats_url": "nats://token@127.0.0.1"})
    assert folder.token
    for file in (folder.path / "running.json", folder.path / "nats" / "token"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_token_is_created_once_and_differs_between_folders(
    folder: DataFolder, tmp_path: Path
) -> None:
    other = DataFolder(tmp_path / "other")
    other.make()
    assert folder.token == DataFolder(folder.path).token
    assert folder.token != other.token
    assert len(folder.token) == 32


def test_releasing_the_lock_deletes_the_address_of_the_system(folder: DataFolder) -> None:
    folder.hold()
    folder.write("running.json", {"pid": 1})
    folder.release()
    assert folder.read("running.json") == {}


def test_making_a_folder_twice_keeps_its_content(folder: DataFolder) -> None:
    folder.write("run.json", {"goal": 3})
    folder.make()
    assert folder.read("run.json") == {"goal": 3}


def test_an_unwritable_folder_is_a_configuration_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match="--data") as error:
        DataFolder(tmp_path / "file" / "data").make()
    assert str(tmp_path / "file" / "data") in error.value.problem


def test_the_environment_can_set_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DAYDREAM_DATA", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv("DAYDREAM_DATA")
    assert default_folder().name == "daydream"


def test_a_tilde_means_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert DataFolder(Path("~/dreams")).path == tmp_path / "dreams"


def test_what_is_in_the_folder_is_private_to_its_owner(folder: DataFolder, tmp_path: Path) -> None:
    previous = os.umask(0)  # the most generous one
    try:
        made = DataFolder(tmp_path / "new" / "data")
        made.make()
        assert made.hold()
        assert made.token
        made.write("running.json", {})
        made.release()
        (folder.path / "logs").chmod(0o755)  # as an earlier version left it
        folder.make()
    finally:
        os.umask(previous)
    for path in (*made.path.rglob("*"), made.path, folder.path / "logs"):
        assert path.stat().st_mode & 0o077 == 0, path
