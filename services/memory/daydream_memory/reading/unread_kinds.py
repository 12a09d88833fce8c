"""Kinds of files that are not read, with what to do about each."""

from __future__ import annotations

OPEN_AND_EXPORT = "open it and export it as PDF"
# (place, first bytes, what it is, the fix)
MAGIC: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\xff\xd8\xff", "a picture (JPEG)", "run text recognition (OCR) and add its text"),
    (0, b"\x89PNG\r\n", "a picture (PNG)", "run text recognition (OCR) and add its text"),
    (0, b"GIF8", "a picture (GIF)", "run text recognition (OCR) and add its text"),
    (0, b"II*\x00", "a picture (TIFF)", "run text recognition (OCR) and add its text"),
    (0, b"MM\x00*", "a picture (TIFF)", "run text recognition (OCR) and add its text"),
    (8, b"WEBP", "a picture (WebP)", "run text recognition (OCR) and add its text"),
    (0, b"BM", "a picture (BMP)", "run text recognition (OCR) and add its text"),
    (4, b"ftypheic", "a picture (HEIC)", "run text recognition (OCR) and add its text"),
    (4, b"ftypavif", "a picture (AVIF)", "run text recognition (OCR) and add its text"),
    (0, b"8BPS", "a picture (Photoshop)", "export its text"),
    (4, b"ftyp", "a film or sound (MP4)", "add its subtitles (.srt or .vtt)"),
    (0, b"\x1aE\xdf\xa3", "a film (Matroska)", "add its subtitles (.srt or .vtt)"),
    (8, b"AVI ", "a film (AVI)", "add its subtitles (.srt or .vtt)"),
    (8, b"WAVE", "a sound (WAV)", "add a transcript (.srt, .vtt or text)"),
    (0, b"ID3", "a sound (MP3)", "add a transcript (.srt, .vtt or text)"),
    (0, b"\xff\xfb", "a sound (MP3)", "add a transcript (.srt, .vtt or text)"),
    (0, b"OggS", "a sound (Ogg)", "add a transcript (.srt, .vtt or text)"),
    (0, b"fLaC", "a sound (FLAC)", "add a transcript (.srt, .vtt or text)"),
    (60, b"BOOKMOBI", "a Kindle book", "convert it to EPUB"),
    (60, b"TEXtREAd", "a Palm book", "convert it to EPUB"),
    (0, b"AT&TFORM", "a DjVu document", "convert it to PDF"),
    (0, b"%!PS", "a PostScript file", "convert it to PDF (ps2pdf)"),
    (0, b"ITSF", "a compiled help file (CHM)", "convert it to HTML"),
    (0, b"\x7fELF", "a program", "add documents only"),
    (0, b"MZ", "a program for Windows", "add documents only"),
    (0, b"\xcf\xfa\xed\xfe", "a program for macOS", "add documents only"),
    (0, b"\xca\xfe\xba\xbe", "a Java class", "add documents only"),
    (0, b"\x00asm", "a program (WebAssembly)", "add documents only"),
    (0, b"SQLite format 3\x00", "a SQLite database", "export its table as CSV"),
    (0, b"PAR1", "a Parquet table", "export it as CSV or JSON Lines"),
    (0, b"ARROW1", "an Arrow table", "export it as CSV or JSON Lines"),
    (0, b"\x89HDF", "an HDF5 file", "export its texts as CSV"),
    (0, b"\x93NUMPY", "a NumPy array", "add documents only"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (0, b"Rar!", "a RAR archive", "unpack it"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard file", "unpack it"),
    (0, b"\x04\x22\x4d\x18", "an LZ4 file", "unpack it"),
    (0, b"wOFF", "a font", "add documents only"),
    (0, b"wOF2", "a font", "add documents only"),
    (0, b"\x00\x01\x00\x00\x00", "a font or database", "add documents only"),
    (0, b"OTTO", "a font", "add documents only"),
    (0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "a OneNote file", "export it as PDF or Word"),
    (0, b"\x80\x04\x95", "a Python pickle", "export it as CSV or JSON"),
    (0, b"bplist", "a property list", "export it as text"),
    (0, b"\xffWPC", "a WordPerfect document", "save it as Word or PDF"),
)
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# names of streams inside, as they are stored
OLE_KINDS: tuple[tuple[str, str, str], ...] = (
    ("WordDocument", "an old Word document (.doc)", "save it as .docx"),
    ("PowerPoint Document", "an old PowerPoint presentation (.ppt)", "save it as .pptx"),
    ("__substg1.0_", "an Outlook message (.msg)", "save it as .eml"),
    ("VisioDocument", "a Visio drawing", OPEN_AND_EXPORT),
)
OLD_OFFICE_ENDINGS = {
    ".doc": OLE_KINDS[0][1:],
    ".dot": OLE_KINDS[0][1:],
    ".ppt": OLE_KINDS[1][1:],
    ".msg": OLE_KINDS[2][1:],
}
ZIP_KINDS: tuple[tuple[str, str, str], ...] = (
    ("Index/Presentation", "a Keynote file", OPEN_AND_EXPORT),
    ("Index/Document.iwa", "a Pages, Numbers or Keynote file", OPEN_AND_EXPORT),
    ("Index/Tables/", "a Numbers file", "open it and export it as CSV or Excel"),
    ("index.apxl", "a Keynote file", OPEN_AND_EXPORT),
    ("AndroidManifest.xml", "an Android app", "add documents only"),
    ("META-INF/MANIFEST.MF", "a Java archive", "add documents only"),
    ("visio/document.xml", "a Visio drawing", OPEN_AND_EXPORT),
    ("FixedDocSeq.fdseq", "an XPS document", "convert it to PDF"),
    ("FixedDocumentSequence.fdseq", "an XPS document", "convert it to PDF"),
    ("designmap.xml", "an InDesign file", OPEN_AND_EXPORT),
)
IWORK_ENDINGS = {".key": "a Keynote file", ".pages": "a Pages file", ".numbers": "a Numbers file"}
