"""Posters: one printable page for a venue's door, in three languages, that says what, why and for how long."""

from datetime import datetime
from io import BytesIO

from django.conf import settings
from django.utils.translation import gettext, override
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, A6
from reportlab.pdfgen.canvas import Canvas

from epipolis.core import clock
from epipolis.core.printing import ACCENT, INK, PALE, draw_line, draw_square, fit, register_fonts
from epipolis.sense.checkins import queries
from epipolis.sense.checkins.models import Venue

from .codes import link_of
from .venues import code_of

SIZES = {"a4": A4, "a6": A6}


def draw_poster(venue: Venue, *, at: datetime, size: str = "a4") -> bytes:
    """The poster as PDF; `size` is a4 or a6. Its square holds the link with the present key number."""
    width, height = SIZES[size]
    register_fonts()
    out = BytesIO()
    canvas = Canvas(out, pagesize=(width, height), pageCompression=1)
    canvas.setTitle(f"{venue.place.name} · check-in")
    unit = width / 100
    canvas.setFillColor(ACCENT)
    canvas.rect(0, height - 13 * unit, width, 13 * unit, stroke=0, fill=1)
    canvas.setFillColor(HexColor("#ffffff"))
    draw_line(canvas, settings.EPIPOLIS_CITY, 6 * unit, height - 8.4 * unit, 4.2 * unit, bold=True)
    canvas.setFillColor(INK)
    top = height - 20 * unit
    for text in fit(venue.place.name, 5.4 * unit, 88 * unit)[:2]:
        draw_line(canvas, text, width / 2, top, 5.4 * unit, bold=True, centred=True)
        top -= 6.4 * unit
    side = 52 * unit
    draw_square(canvas, link_of(code_of(venue)), (width - side) / 2, top - side + 2 * unit, side)
    top -= side + 2 * unit
    _notices(canvas, venue, at, top, unit, width)
    canvas.setFillColor(PALE)
    foot = f"{venue.place.code} · {venue.key_number} · {clock.local_day(at).isoformat()}"
    draw_line(canvas, foot, width / 2, 3 * unit, 2.1 * unit, centred=True)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


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
        canvas.setFillColor(ACCENT)
        draw_line(canvas, title, 6 * unit, top, 3.3 * unit, bold=True)
        canvas.setFillColor(INK)
        top -= 4.1 * unit
        for text in fit(body, 2.5 * unit, width - 12 * unit):
            draw_line(canvas, text, 6 * unit, top, 2.5 * unit)
            top -= 3.3 * unit
        top -= 2.2 * unit
