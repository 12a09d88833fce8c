"""Workbooks with hidden rows and columns in the formats that no library here writes.

Each has the sheet "Notes" with the rows that a test gives, the third row and column hidden. The XLS
file holds fixed rows: it was written once with xlwt.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from html import escape

from support.office_files import zipped

RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
ODF = "urn:oasis:names:tc:opendocument:xmlns"
HIDDEN_AT = 2
MANIFEST = f'<manifest:manifest xmlns:manifest="{ODF}:manifest:1.0"/>'
XLS = """
c-rk)OK2295Urlw%_cFQO^iY!NF(@33<2@tC9WU*Toix!L(tw##~m`62|b<Y3gRc`D2SdEFM<~@elC8{
gWfy{iXH?(N%ZJRQ1Fmst*)I}6Wv1sQH)G2U0q#WZ@Q+d`m^)uWz*=5du?Oz3$2F)OcraPYKo3wsfijH
!2V*<h*4dQr5Mw^qMB+9WK{|t*S|=c7@ByGfdzMy&yWLr#Bu}%V5jd%{ugNz`5>6_p_?T!_bj-Mr2$&W
uV&&s#1|63L$*(dZy?P@;@xOF$_~TJ?9PsLVICi}mQh~=at03w^NuuYU=chwd3@#)E7_)CqjH4%Z+0wA
*1=7{$ZeCJRKgvF77XD{_*UcqU!%49l*jtNt7m}v@6+|^3i>Nn65uQpk1>;oBTx??lBOqx3r@>m1Qx*J
w25~DwmbGXw6nT!6HWnWN4pZuwLGb@X)Dod>O+on?fn4z99y_t52~Ew$$&c^_k>dZ2_9%A9361i4<r{{
OHb#y-^+DgI*JzzoNJ%=4+epB1MYjKhv!^j%b*LF&_<qjY+HIfK&13~B=!r<%_GI2&ijh@3)LrWE`rF?
xY&hz%U;=|q{cVe><jI9#}685U_dHvJ3-*PL#X4u%I`<NdP*j|Ps)Ly?2R}f3Y|PRsCizfetZd`hJ-Zk
`-MPD6>v`ql`C}Bnu(&_Ei-L*tEV+zhunrnlACDdXYl+QzxCzyj@+*7QPP~H6V1#%gXJbrP=s>^QFof~
7F=G?NT(uL4P;5N!&m`y&=Xb@KTo49A-Ros3x*Ht6}uLN!q#E3xj?-uaNM;-Z?Y?=$g5Bu`Mmq#(veTu
c9d^#8#~o<`)&3HEW?zr$xjBu(8)U4wX236WuuyfJLY@ht-tM_)mA3-y%-+$jW7YVBsLK*wajd>a?1+m
&Y)QZG$V8(v}c4)mRkm$3enaSG!M}hp{qjsQlyMMv#MzJn+TbxFm8g7=@6M9WOca}jl14zhWlm^JTHFI
T;>h@k~dMFuri;odBQ5@NqJVG(yYc5Q%o_%6jMz91~IzDmF}#`(%%ZY?WDu+IulqX<Ig1jE$smxe;WUm
ZUGN#1%+AV&tgci=vi!rnCN?<p#wO&f<DNRAAPgVU%aidsqZsmU}o-?&}_$_oQ<D<c>Evt>sP%
"""


def xls_file() -> bytes:
    """Return an XLS file with the rows of the test of hidden cells."""
    return zlib.decompress(base64.b85decode("".join(XLS.split())))


def ods_file(rows: Sequence[Sequence[str]]) -> bytes:
    """Return an ODS file."""
    body = "".join(
        f"<table:table-row{_collapsed(at)}>{''.join(map(_cell, row))}</table:table-row>"
        for at, row in enumerate(rows)
    )
    spaces = " ".join(f'xmlns:{name}="{ODF}:{name}:1.0"' for name in ("office", "table", "text"))
    content = (
        f'<?xml version="1.0"?><office:document-content {spaces}><office:body><office:spreadsheet>'
        '<table:table table:name="Notes"><table:table-column table:number-columns-repeated="2"/>'
        f'<table:table-column table:visibility="collapse"/>{body}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": MANIFEST,
            "content.xml": content,
        }
    )


def xlsb_file(rows: Sequence[Sequence[str]]) -> bytes:
    """Return an XLSB file."""
    book = _record(131) + _record(143)
    book += _record(156, struct.pack("<II", 0, 1) + _text("rId1") + _text("Notes"))
    book += _record(144) + _record(132)
    hidden_column = struct.pack("<IIIIH", HIDDEN_AT, HIDDEN_AT, 2304, 0, 1)
    size = struct.pack("<IIII", 0, len(rows) - 1, 0, max(map(len, rows)) - 1)
    sheet = (
        _record(129)
        + _record(148, size)
        + _record(390)
        + _record(60, hidden_column)
        + _record(391)
        + _record(145)
    )
    for at, row in enumerate(rows):
        flags = 0x10 if at == HIDDEN_AT else 0
        sheet += _record(0, struct.pack("<IIHBBBI", at, 0, 300, 0, flags, 0, 0))
        for column, cell in enumerate(row):
            sheet += _record(6, struct.pack("<II", column, 0) + _text(cell))
    sheet += _record(146) + _record(130)
    return zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": _relation("officeDocument", "xl/workbook.bin"),
            "xl/workbook.bin": book,
            "xl/_rels/workbook.bin.rels": _relation("worksheet", "worksheets/sheet1.bin"),
            "xl/worksheets/sheet1.bin": sheet,
        }
    )


def _cell(text: str) -> str:
    kind = 'office:value-type="string"'
    return f"<table:table-cell {kind}><text:p>{escape(text)}</text:p></table:table-cell>"


def _collapsed(at: int) -> str:
    return ' table:visibility="collapse"' if at == HIDDEN_AT else ""


def _relation(kind: str, target: str) -> str:
    entry = f'<Relationship Id="rId1" Type="{OFFICE}/{kind}" Target="{target}"/>'
    return f'<Relationships xmlns="{RELATIONS}">{entry}</Relationships>'


def _text(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _record(number: int, content: bytes = b"") -> bytes:
    head = bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80, number >> 7])
    size, length = len(content), b""
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return head + length + bytes([size]) + content
