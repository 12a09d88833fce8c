"""The data folder: one system at a time, files that are whole, and a token that others can't read."""

from __future__ import annotations

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


def test_one_system_holds_the_folder_at_a_time(folder: DataFolder) -> None:
    other = DataFolder(folder.path)
    assert folder.hold()
    assert not other.hold()
    folder.release()
    assert other.hold()
    other.release()


def test_a_failed_try_does_not_take_the_lock_from_who_has_it(folder: DataFolder) -> None:
    assert folder.hold()
    assert [DataFolder(folder.path).hold() for _ in range(3)] == [False, False, False]
    folder.release()


def test_what_is_written_is_read_again(folder: DataFolder) -> None:
    folder.write("run.json", {"goal": 3})
    folder.write("run.json", {"goal": 4})
    assert folder.read("run.json") == {"goal": 4}


def test_a_write_that_fails_leaves_what_was_there(folder: DataFolder) -> None:
    folder.write("run.json", {"goal": 3})
    with pytest.raises(TypeError):
        folder.write("run.json", {"goal": object()})
    assert folder.read("run.json") == {"goal": 3}


def test_a_write_leaves_nothing_else_behind(folder: DataFolder) -> None:
    before = {file.name for file in folder.path.iterdir()}
    folder.write("run.json", {"goal": 3})
    assert {file.name for file in folder.path.iterdir()} == before | {"run.json"}


@pytest.mark.parametrize("content", [None, "", "{", '{"goal": '])
def test_a_file_that_is_absent_or_cut_off_is_empty(folder: DataFolder, content: str | None) -> None:
    if content is not None:
        (folder.path / "run.json").write_text(content)
    assert folder.read("run.json") == {}


def test_files_with_addresses_and_tokens_are_for_the_owner_alone(folder: DataFolder) -> None:
    folder.write("running.json", {"nats_url": "nats://token@127.0.0.1"})
    assert folder.token
    for file in (folder.path / "running.json", folder.path / "nats" / "token"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_token_is_made_once_and_is_another_in_every_folder(
    folder: DataFolder, tmp_path: Path
) -> None:
    other = DataFolder(tmp_path / "other")
    other.make()
    assert folder.token == DataFolder(folder.path).token
    assert folder.token != other.token
    assert len(folder.token) == 32


def test_whoever_gives_the_lock_back_is_not_running_any_more(folder: DataFolder) -> None:
    folder.hold()
    folder.write("running.json", {"pid": 1})
    folder.release()
    assert folder.read("running.json") == {}


def test_making_a_folder_twice_keeps_what_is_in_it(folder: DataFolder) -> None:
    folder.write("run.json", {"goal": 3})
    folder.make()
    assert folder.read("run.json") == {"goal": 3}


def test_a_place_that_can_not_be_written_is_a_wrong_setting_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match="--data") as wrong:
        DataFolder(tmp_path / "file" / "data").make()
    assert str(tmp_path / "file" / "data") in wrong.value.what


def test_the_folder_can_be_given_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DAYDREAM_DATA", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv("DAYDREAM_DATA")
    assert default_folder().name == "daydream"


def test_a_folder_in_the_home_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert DataFolder(Path("~/dreams")).path == tmp_path / "dreams"
