"""Front-end files of other projects are those of the list, unchanged, with their licences."""

from __future__ import annotations

from deploy.vendor import ROOT, checksum, packages, stored_checksums


def test_copied_files_have_the_stored_checksums() -> None:
    stored = stored_checksums()
    assert {path: checksum((ROOT / path).read_bytes()) for path in stored} == stored


def test_every_file_is_on_the_list_and_every_package_brings_its_licence() -> None:
    listed = set()
    for package in packages():
        names = list(package["files"].values())
        assert any(name.endswith(".LICENSE") for name in names), package["name"]
        listed |= {f"{package['folder']}/{name}" for name in names}
    assert listed == set(stored_checksums())
    folders = {package["folder"] for package in packages()}
    files = {path for folder in folders for path in (ROOT / folder).iterdir()}
    assert {path.relative_to(ROOT).as_posix() for path in files} == listed
