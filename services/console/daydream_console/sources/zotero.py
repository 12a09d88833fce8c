"""The folder of a Zotero library: its attachments are documents, under their titles there.

Zotero keeps each attachment as `storage/KEY/NAME`, beside a database and the styles and
translators that it downloads. The database is opened for reading only and without a lock, since
Zotero holds it while it runs. Where it cannot be read the attachments have their own titles.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from daydream_console.sources.library_exports import library_title

DATABASE = "zotero.sqlite"
OWN_FOLDERS = frozenset({"cache", "locate", "pipes", "styles", "tmp", "translators"})
OWN_DATA = "data of Zotero itself; the attachments in its storage are read"
TITLE_FIELDS = ("title", "caseName", "nameOfAct", "subject")
# the key of each attachment, and the item whose it is: its own for one that stands alone
ATTACHMENTS = """select items.key, coalesce(itemAttachments.parentItemID, items.itemID)
  from itemAttachments join items on items.itemID = itemAttachments.itemID"""
VALUES = """select itemData.itemID, fields.fieldName, itemDataValues.value from itemData
  join fields on fields.fieldID = itemData.fieldID
  join itemDataValues on itemDataValues.valueID = itemData.valueID
  where fields.fieldName in ('title', 'caseName', 'nameOfAct', 'subject', 'date')"""
CREATORS = """select itemCreators.itemID, creators.lastName, creators.firstName from itemCreators
  join creators on creators.creatorID = itemCreators.creatorID
  order by itemCreators.itemID, itemCreators.orderIndex"""


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


def attachment_titles(database: Path) -> Mapping[str, str]:
    """Return the titles of attachments by their keys, none if the database cannot be read."""
    if not database.is_file():
        return {}
    try:
        address = f"{database.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            attachments = connection.execute(ATTACHMENTS).fetchall()
            values = connection.execute(VALUES).fetchall()
            creators = connection.execute(CREATORS).fetchall()
    except sqlite3.Error:  # another version of Zotero, or it writes just now
        return {}
    fields: dict[int, dict[str, str]] = {}
    for item, name, value in values:
        fields.setdefault(item, {})[name] = str(value)
    names: dict[int, list[str]] = {}
    for item, last, first in creators:
        names.setdefault(item, []).append(str(last or first or ""))
    titles = {key: _title(fields.get(item, {}), names.get(item, [])) for key, item in attachments}
    return {key: title for key, title in titles.items() if title}


def _title(fields: Mapping[str, str], names: Sequence[str]) -> str:
    title = next((fields[name] for name in TITLE_FIELDS if fields.get(name)), "")
    year = fields.get("date", "")[:4]
    return library_title(title, list(names), year if year.isdigit() and int(year) else "")
