"""Printed pages: letters of every script that the platform speaks, lines that break where they may, and squares to scan."""

from io import BytesIO

import segno
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase._cidfontdata import defaultUnicodeEncodings
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

INK, PALE, ACCENT, RULE = HexColor("#1b2434"), HexColor("#5b6778"), HexColor("#0b7285"), HexColor("#c9d1da")
_CHINESE = "MSung-Light"
_STAYS = "，。、；：！？）」"  # never begin a line
_LATIN, _BOLD = "Helvetica", "Helvetica-Bold"


def register_fonts() -> None:
    """Make the fonts known; to be called before anything is drawn or measured."""
    # The library pairs this font of traditional Chinese with a table of simplified Chinese, which readers refuse.
    defaultUnicodeEncodings[_CHINESE] = ("cht", "UniCNS-UCS2-H")
    pdfmetrics.registerFont(UnicodeCIDFont(_CHINESE))


def font_of(text: str, *, bold: bool = False) -> str:
    """Helvetica where it has every letter, else the reader's own font for Chinese."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return _CHINESE
    return _BOLD if bold else _LATIN


def fit(text: str, size: float, width: float, *, bold: bool = False) -> list[str]:
    """The lines of a text, none wider than `width` points."""
    font = font_of(text, bold=bold)
    if font != _CHINESE:
        lines: list[str] = simpleSplit(text, font, size, width)
        return lines
    lines, line = [], ""
    for letter in text:
        if letter not in _STAYS and pdfmetrics.stringWidth(line + letter, font, size) > width:
            lines.append(line)
            line = ""
        line += letter
    return [*lines, line]


def draw_line(canvas: Canvas, text: str, x: float, y: float, size: float, *, bold: bool = False, centred: bool = False) -> None:
    """One line of text; `x` is its left end, or its middle."""
    canvas.setFont(font_of(text, bold=bold), size)
    (canvas.drawCentredString if centred else canvas.drawString)(x, y, text)


def draw_square(canvas: Canvas, text: str, x: float, y: float, side: float) -> None:
    """A square that a phone's camera reads, with its quiet zone."""
    rows = list(segno.make(text, error="q", micro=False).matrix)
    cell = side / (len(rows) + 8)  # four cells of quiet zone on each side
    canvas.setFillColor(HexColor("#000000"))
    path = canvas.beginPath()
    for row, cells in enumerate(rows):
        for column, dark in enumerate(cells):
            if dark:
                path.rect(x + (column + 4) * cell, y + side - (row + 5) * cell, cell, cell)
    canvas.drawPath(path, stroke=0, fill=1)


class Sheet:
    """Text that flows down one column over as many A4 pages as it needs, each with the same head and foot."""

    margin = 54.0

    def __init__(self, title: str, *, head: str, foot: str) -> None:
        register_fonts()
        self._out = BytesIO()
        self.canvas = Canvas(self._out, pagesize=A4, pageCompression=1)
        self.canvas.setTitle(title)
        self.head, self.foot, self.page = head, foot, 0
        self.top = 0.0
        self.width = A4[0] - 2 * self.margin
        self._begin()

    def heading(self, text: str, *, size: float = 15) -> None:
        self.space(size * 0.5)
        self.text(text, size=size, bold=True, colour=ACCENT, keep=40)

    def text(
        self,
        text: str,
        *,
        size: float = 10,
        bold: bool = False,
        colour: Color = INK,
        indent: float = 0,
        keep: float = 0,
        narrow: float = 0,
    ) -> None:
        """A paragraph; `keep` is room that must be left below its first line, `narrow` is left free on its right."""
        for number, line in enumerate(fit(text, size, self.width - indent - narrow, bold=bold)):
            self._room(size * 1.4 + (keep if number == 0 else 0))
            self.top -= size * 1.4
            self.canvas.setFillColor(colour)
            draw_line(self.canvas, line, self.margin + indent, self.top, size, bold=bold)

    def pair(self, name: str, value: str, *, size: float = 10, narrow: float = 0) -> None:
        """A name in the left third and its value beside it."""
        third = self.width * 0.34
        names, values = fit(name, size - 1, third - 8), fit(value or "–", size, self.width - third - narrow, bold=True)
        self._room(max(len(names), len(values)) * size * 1.4)
        start = self.top
        for column, lines, bold, colour in ((0.0, names, False, PALE), (third, values, True, INK)):
            self.top = start
            for line in lines:
                self.top -= size * 1.4
                self.canvas.setFillColor(colour)
                draw_line(self.canvas, line, self.margin + column, self.top, size if bold else size - 1, bold=bold)
        self.top = start - max(len(names), len(values)) * size * 1.4 - 2

    def rule(self) -> None:
        self.space(8)
        self.canvas.setStrokeColor(RULE)
        self.canvas.line(self.margin, self.top, self.margin + self.width, self.top)
        self.space(4)

    def space(self, points: float) -> None:
        self.top -= points

    def break_page(self) -> None:
        self.canvas.showPage()
        self._begin()

    def pdf(self) -> bytes:
        """Close the pages; nothing can be added after that."""
        self.canvas.showPage()
        self.canvas.save()
        return self._out.getvalue()

    def _begin(self) -> None:
        self.page += 1
        height = A4[1]
        self.canvas.setFillColor(ACCENT)
        draw_line(self.canvas, self.head, self.margin, height - 40, 11, bold=True)
        self.canvas.setFillColor(PALE)
        draw_line(self.canvas, f"{self.foot} · {self.page}", self.margin, 28, 8)
        self.top = height - 52

    def _room(self, points: float) -> None:
        if self.top - points < 44:
            self.break_page()
