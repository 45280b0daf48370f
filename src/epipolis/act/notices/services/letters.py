"""Letters: a page for each, with the address where the window of an envelope is (DIN 5008, form B)."""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO

from django.conf import settings as platform
from django.utils.formats import date_format
from django.utils.translation import gettext, override
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from epipolis.core import clock
from epipolis.core.printing import ACCENT, INK, PALE, RULE, draw_line, fit, register_fonts

Letter = tuple[str, str, str, str, str]  # name, address, subject, text, language
_LEFT, _WIDTH = 25 * mm, 165 * mm
_WINDOW_TOP, _WINDOW_WIDTH = A4[1] - 57 * mm, 80 * mm


def draw_letter(letters: Sequence[Letter], *, at: datetime) -> bytes:
    """Letters as one PDF, each in its person's language."""
    register_fonts()
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1)
    canvas.setTitle(platform.EPIPOLIS_CITY)
    for name, address, subject, text, language in letters:
        with override(language):
            _draw(canvas, name, address, subject, text, at)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw(canvas: Canvas, name: str, address: str, subject: str, text: str, at: datetime) -> None:
    sender = gettext("%(city)s health office") % {"city": platform.EPIPOLIS_CITY}
    canvas.setFillColor(ACCENT)
    draw_line(canvas, sender, _LEFT, A4[1] - 25 * mm, 13, bold=True)
    canvas.setFillColor(PALE)
    draw_line(canvas, sender, _LEFT, _WINDOW_TOP + 4 * mm, 7)
    canvas.setFillColor(INK)
    top = _WINDOW_TOP
    for line in [name, *(part for one in address.splitlines() for part in fit(one, 11, _WINDOW_WIDTH))][:6]:
        top -= 5.2 * mm
        draw_line(canvas, line, _LEFT, top, 11)
    day = date_format(clock.local_day(at), "DATE_FORMAT")
    draw_line(canvas, day, _LEFT + 115 * mm, A4[1] - 98 * mm, 10)
    top = A4[1] - 110 * mm
    for line in fit(subject, 14, _WIDTH, bold=True):
        draw_line(canvas, line, _LEFT, top, 14, bold=True)
        top -= 7 * mm
    top -= 3 * mm
    for part in text.splitlines() or [""]:
        for line in fit(part, 11, _WIDTH):
            if top < 30 * mm:
                canvas.showPage()
                canvas.setFillColor(INK)
                top = A4[1] - 30 * mm
            draw_line(canvas, line, _LEFT, top, 11)
            top -= 5.6 * mm
        top -= 2 * mm
    canvas.setStrokeColor(RULE)
    canvas.line(_LEFT, 22 * mm, _LEFT + _WIDTH, 22 * mm)
    canvas.setFillColor(PALE)
    note = gettext("You see everything that we wrote to you with the code from your health office, under “My messages”.")
    for place, line in enumerate(fit(note, 8, _WIDTH)):
        draw_line(canvas, line, _LEFT, 18 * mm - place * 3.5 * mm, 8)
