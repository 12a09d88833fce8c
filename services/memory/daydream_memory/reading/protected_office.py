"""Office documents with a password: Word, Excel and PowerPoint, in the new formats and the old.

The new formats lie encrypted in a container of the old one. What is opened is read like any other
document: the decrypted bytes exist only in the process that reads them.
"""

from __future__ import annotations

import io
from dataclasses import replace

from msoffcrypto import OfficeFile
from msoffcrypto.exceptions import DecryptionError, InvalidKeyError

from daydream_memory.reading.passages import RawDocument, UnreadableDocumentError
from daydream_memory.reading.unread_kinds import OLE_MAGIC

PACKAGE = "EncryptedPackage".encode("utf-16-le")
WORKBOOK = "Workbook".encode("utf-16-le")


def without_password(document: RawDocument) -> RawDocument:
    """Return the document, decrypted if it was encrypted.

    Raise UnreadableDocumentError if no password fits.
    """
    if not document.data.startswith(OLE_MAGIC) or not _is_encrypted(document.data):
        return document
    for password in document.passwords:
        opened = io.BytesIO()
        try:
            # one for each try: a wrong key stays in it
            file = OfficeFile(io.BytesIO(document.data))
            file.load_key(password=password)
            file.decrypt(opened)
        except (InvalidKeyError, DecryptionError):
            continue
        return replace(document, data=opened.getvalue())
    tried = "; none of the passwords fits" if document.passwords else ""
    raise UnreadableDocumentError(
        f"encrypted Office document; save a copy without a password{tried}"
    )


def _is_encrypted(data: bytes) -> bool:
    """Return whether it is a container of an encrypted document, or an encrypted old workbook."""
    if PACKAGE in data:
        return True
    if WORKBOOK not in data:
        return False
    try:
        return bool(OfficeFile(io.BytesIO(data)).is_encrypted())
    except Exception:  # the library raises many kinds; the reader says that the file is damaged
        return False
