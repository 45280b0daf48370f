"""Posters: one printable page for a venue's door, in three languages, that says what, why and for how long."""

from datetime import datetime
from io import BytesIO

import segno
from django.conf import settings
from django.utils.translation import gettext, override
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, A6
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase._cidfontdata import defaultUnicodeEncodings
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from epipolis.core import clock
from epipolis.sense.checkins import queries
from epipolis.sense.checkins.models import Venue

from .codes import link_of
from .venues import code_of

SIZES = {"a4": A4, "a6": A6}
_INK, _PALE, _ACCENT = HexColor("#1b2434"), HexColor("#5b6778"), HexColor("#0b7285")
_CHINESE = "MSung-Light"
_STAYS = "，。、；：！？）」"  # never begin a line
_LATIN, _BOLD = "Helvetica", "Helvetica-Bold"


def draw_poster(venue: Venue, *, at: datetime, size: str = "a4") -> bytes:
    """The poster as PDF; `size` is a4 or a6. Its square holds the link with the present key number."""
    width, height = SIZES[size]
    _register_chinese()
    out = BytesIO()
    canvas = Canvas(out, pagesize=(width, height), pageCompression=1)
    canvas.setTitle(f"{venue.place.name} · check-in")
    unit = width / 100
    canvas.setFillColor(_ACCENT)
    canvas.rect(0, height - 13 * unit, width, 13 * unit, stroke=0, fill=1)
    canvas.setFillColor(HexColor("#ffffff"))
    _line(canvas, settings.EPIPOLIS_CITY, 6 * unit, height - 8.4 * unit, 4.2 * unit, bold=True)
    canvas.setFillColor(_INK)
    top = height - 20 * unit
    for text in _fit(venue.place.name, 5.4 * unit, 88 * unit)[:2]:
        _line(canvas, text, width / 2, top, 5.4 * unit, bold=True, centred=True)
        top -= 6.4 * unit
    side = 52 * unit
    _square(canvas, link_of(code_of(venue)), (width - side) / 2, top - side + 2 * unit, side)
    top -= side + 2 * unit
    _notices(canvas, venue, at, top, unit, width)
    canvas.setFillColor(_PALE)
    foot = f"{venue.place.code} · {venue.key_number} · {clock.local_day(at).isoformat()}"
    _line(canvas, foot, width / 2, 3 * unit, 2.1 * unit, centred=True)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _register_chinese() -> None:
    # The library pairs this font of traditional Chinese with a table of simplified Chinese, which readers refuse.
    defaultUnicodeEncodings[_CHINESE] = ("cht", "UniCNS-UCS2-H")
    pdfmetrics.registerFont(UnicodeCIDFont(_CHINESE))


def _notices(canvas: Canvas, venue: Venue, at: datetime, top: float, unit: float, width: float) -> None:
    """The same few sentences in each language of the platform."""
    days = queries.times(at)["keep_days"]
    for language, _name in settings.LANGUAGES:
        with override(language):
            title = gettext("Check in with your phone's camera")
            body = gettext(
                "No account, no name. If somebody who was here turns out to be infectious, people who were here at the same "
                "time can be warned. Your visit is erased after %(days)d days."
            ) % {"days": days}
        canvas.setFillColor(_ACCENT)
        _line(canvas, title, 6 * unit, top, 3.3 * unit, bold=True)
        canvas.setFillColor(_INK)
        top -= 4.1 * unit
        for text in _fit(body, 2.5 * unit, width - 12 * unit):
            _line(canvas, text, 6 * unit, top, 2.5 * unit)
            top -= 3.3 * unit
        top -= 2.2 * unit


def _square(canvas: Canvas, text: str, x: float, y: float, side: float) -> None:
    rows = list(segno.make(text, error="q", micro=False).matrix)
    cell = side / (len(rows) + 8)  # four cells of quiet zone on each side
    canvas.setFillColor(HexColor("#000000"))
    path = canvas.beginPath()
    for row, cells in enumerate(rows):
        for column, dark in enumerate(cells):
            if dark:
                path.rect(x + (column + 4) * cell, y + side - (row + 5) * cell, cell, cell)
    canvas.drawPath(path, stroke=0, fill=1)


def _font(text: str, *, bold: bool = False) -> str:
    """Helvetica where it has every letter, else the reader's own font for Chinese."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return _CHINESE
    return _BOLD if bold else _LATIN


def _fit(text: str, size: float, width: float) -> list[str]:
    font = _font(text)
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


def _line(canvas: Canvas, text: str, x: float, y: float, size: float, *, bold: bool = False, centred: bool = False) -> None:
    canvas.setFont(_font(text, bold=bold), size)
    (canvas.drawCentredString if centred else canvas.drawString)(x, y, text)
