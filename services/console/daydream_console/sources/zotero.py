"""Recognise the folder of a Zotero library: its attachments are documents, its own data is not.

Zotero keeps each attachment as `storage/KEY/NAME`, beside a database and the styles and
translators that it downloads.
"""

from __future__ import annotations

from pathlib import Path

DATABASE = "zotero.sqlite"
OWN_FOLDERS = frozenset({"cache", "locate", "pipes", "styles", "tmp", "translators"})
OWN_DATA = "data of Zotero itself; the attachments in its storage are read"


def own_data_of_zotero(file: Path) -> str:
    """Return why a file is no document if it is data of Zotero itself, else ""."""
    if file.name.startswith(DATABASE):
        return OWN_DATA
    folder = file.parent
    while folder != folder.parent:
        if folder.name in OWN_FOLDERS and (folder.parent / DATABASE).is_file():
            return OWN_DATA
        folder = folder.parent
    return ""
