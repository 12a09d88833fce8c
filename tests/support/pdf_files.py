"""PDF files for tests, as programs write them, and as they should not be."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import cache

from pypdf import PdfWriter
from reportlab.lib import pdfencrypt
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

FONT, CHINESE, JAPANESE = "Vera", "STSong-Light", "HeiseiMin-W3"
Draw = Callable[[Canvas], None]


@cache
def _register_fonts() -> None:
    pdfmetrics.registerFont(TTFont(FONT, "Vera.ttf"))  # comes with reportlab
    pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))
    pdfmetrics.registerFont(UnicodeCIDFont(JAPANESE))


def pdf_file(*pages: Draw, title: str = "", password: str | None = None) -> bytes:
    """A PDF with a page for each function that draws one. A password encrypts it."""
    _register_fonts()
    out = io.BytesIO()
    encryption = None
    if password is not None:
        encryption = pdfencrypt.StandardEncryption(password, ownerPassword="owner", strength=128)
    canvas = Canvas(out, pagesize=A4, encrypt=encryption)
    if title:
        canvas.setTitle(title)
    for draw in pages:
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def lines(
    texts: Sequence[str],
    x: float = 50,
    y: float = 700,
    font: str = FONT,
    size: float = 9,
    leading: float = 1.5,
) -> Draw:
    """Lines below each other."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont(font, size)
        for at, text in enumerate(texts):
            canvas.drawString(x, y - leading * size * at, text)

    return draw


def together(*parts: Draw) -> Draw:
    """A page with several parts."""

    def draw(canvas: Canvas) -> None:
        for part in parts:
            part(canvas)

    return draw


def picture(x: float = 50, y: float = 300, width: float = 400, height: float = 300) -> Draw:
    """What a scanned page looks like to a reader of text: a picture and nothing else."""
    # the smallest picture that there is: one grey dot
    dot = b"P5 1 1 255 \xc8"

    def draw(canvas: Canvas) -> None:
        canvas.drawImage(ImageReader(io.BytesIO(dot)), x, y, width, height)

    return draw


def coloured(part: Draw, red: float, green: float, blue: float) -> Draw:
    """A part in a colour."""

    def draw(canvas: Canvas) -> None:
        canvas.setFillColorRGB(red, green, blue)
        part(canvas)
        canvas.setFillColorRGB(0, 0, 0)

    return draw


def rectangle(x: float, y: float, width: float, height: float) -> Draw:
    """A filled black rectangle."""

    def draw(canvas: Canvas) -> None:
        canvas.setFillColorRGB(0, 0, 0)
        canvas.rect(x, y, width, height, stroke=0, fill=1)

    return draw


def letter_spaced(texts: Sequence[str], gap: float, y: float = 700, spaces: bool = True) -> Draw:
    """Letters that are placed one by one, with a gap behind each."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont(FONT, 12)
        for at, text in enumerate(texts):
            x = 50.0
            for letter in text:
                if spaces or letter != " ":
                    canvas.drawString(x, y - 20 * at, letter)
                x += pdfmetrics.stringWidth(letter, FONT, 12) + gap

    return draw


def row_by_row(columns: Sequence[Sequence[str]], xs: Sequence[float], y: float = 700) -> Draw:
    """Columns side by side, drawn line by line across all of them."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont(FONT, 9)
        for at, row in enumerate(zip(*columns, strict=True)):
            for x, text in zip(xs, row, strict=True):
                canvas.drawString(x, y - 14 * at, text)

    return draw


def without_meaning(data: bytes) -> bytes:
    """Take away the table that says what the glyphs of a font mean."""
    return data.replace(b"/ToUnicode", b"/XoUnicode")


def with_meaning(data: bytes, letter: str, meaning: str) -> bytes:
    """Let the fonts of the first page say that the glyph of a letter means something else."""
    writer = PdfWriter(clone_from=io.BytesIO(data))
    for font in writer.pages[0]["/Resources"]["/Font"].values():  # type: ignore[index]
        if "/ToUnicode" in (entries := font.get_object()):
            table = entries["/ToUnicode"].get_object()
            code, other = (
                f"<{text.encode('utf-16-be').hex().upper()}>" for text in (letter, meaning)
            )
            table.set_data(table.get_data().replace(code.encode(), other.encode()))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
