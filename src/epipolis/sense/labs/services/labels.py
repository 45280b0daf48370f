"""Labels: a barcode for each sample, printed ahead, given to a person at the counter; and how they are drawn."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from uuid import UUID

import segno
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from epipolis.core import audit, live
from epipolis.sense.labs.models import LabMessage, LabResult, Reading, SampleLabel
from epipolis.sense.people import queries as people_queries

from .locks import hold
from .reasons import SAMPLE
from .registering import receive_again

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXY"  # without I, L, O, U and Z, which are taken for others; 31 is prime
_OWN, _LENGTH = "E", 10
MOST_PRINTED = 480
_COLUMNS, _ROWS = 4, 12
_EXACT = frozenset(_LETTERS)


class LabelError(ValueError):
    """A label that cannot be given; the sentence says why, in the reader's language."""


@transaction.atomic
def make_labels(count: int, *, by: audit.Actor, at: datetime, simulated: bool = False) -> list[SampleLabel]:
    """Make labels that nobody has yet.

    Raises:
        ValueError: none, or more than fit one print.
    """
    if not 1 <= count <= MOST_PRINTED:
        raise ValueError(_("Print 1 to %(most)d labels at once.") % {"most": MOST_PRINTED})
    actor = audit.actor_name(by)
    rows = [SampleLabel(barcode=_new_barcode(), made=at, made_by=actor, simulated=simulated) for _number in range(count)]
    made = SampleLabel.objects.bulk_create(rows)
    audit.record("labs.make_labels", by=by, at=at, rows=count)
    return made


@transaction.atomic
def give_label(
    barcode: str, person: UUID, *, by: audit.Actor, at: datetime, simulated: bool = False
) -> tuple[SampleLabel, bool]:
    """Say whose sample carries a barcode; a reading of it that came before is taken up. False when that was known already.

    A barcode of another maker (a tube that came with one) is taken as it is.

    Raises:
        LabelError: the barcode is mistyped, somebody else's or taken back, or the person unknown or erased.
    """
    barcode = clean(barcode)
    found = people_queries.person(person)
    if found is None or found.erased is not None:
        raise LabelError(_("There is no such person, or the person is erased."))
    hold(f"sample {barcode}")
    values = {"made": at, "made_by": audit.actor_name(by), "simulated": simulated}
    label, _created = SampleLabel.objects.select_for_update().get_or_create(barcode=barcode, defaults=values)
    if label.taken_back is not None:
        raise LabelError(_("This label was taken back. Give another one."))
    if label.person_id is not None:
        if label.person_id in people_queries.same_person(person):
            return label, False
        raise LabelError(_("This label is somebody else’s already. Give another one."))
    label.person_id, label.given, label.given_by = person, at, audit.actor_name(by)
    label.save(update_fields=["person", "given", "given_by"])
    audit.record("labs.give_label", by=by, at=at, subject=barcode, person=person)
    receive_again(LabMessage.objects.filter(problem=SAMPLE, is_waiting=True, reading__barcode=barcode))
    live.tell("labs")
    return label, True


@transaction.atomic
def take_back_label(label_id: int, reason: str, *, by: audit.Actor, at: datetime) -> SampleLabel:
    """A label was given by mistake: it brings no result to anybody any more.

    Raises:
        LookupError: there is no such label.
        LabelError: no reason, or a result came under it already, which is then taken back in the inbox.
    """
    label = SampleLabel.objects.select_for_update().filter(id=label_id).first()
    if label is None:
        raise LookupError("there is no such label")
    hold(f"sample {label.barcode}")
    reason = reason.replace("\0", "").strip()[:200]
    if not reason:
        raise LabelError(_("Say why."))
    if LabResult.objects.filter(message__reading__barcode=label.barcode, taken_back=None).exists():
        raise LabelError(_("A result is filed under this label already."))
    label.taken_back, label.reason = at, reason
    label.save(update_fields=["taken_back", "reason"])
    audit.record("labs.take_back_label", by=by, at=at, subject=label.barcode, person=label.person_id)
    return label


def forget_samples(*, before: datetime, at: datetime) -> int:
    """Erase which barcode was whose: old labels, those of people who were erased, and the barcodes of old readings."""
    erased = SampleLabel.objects.filter(person__erased__isnull=False)
    codes = list(erased.values_list("barcode", flat=True))
    rows = Reading.objects.filter(barcode__in=codes).update(barcode="")
    rows += Reading.objects.filter(received__lt=before).exclude(barcode="").update(barcode="", operator="")
    return rows + erased.delete()[0] + SampleLabel.objects.filter(made__lt=before).delete()[0]


def clean(barcode: str) -> str:
    """A barcode as it was scanned or typed.

    Raises:
        LabelError: it is none, or one of ours with a wrong last letter.
    """
    code = "".join(barcode.split()).upper()
    if not 4 <= len(code) <= 40 or not code.isascii() or not code.isprintable():
        raise LabelError(_("A barcode has 4 to 40 letters and digits."))
    is_own = code.startswith(_OWN) and len(code) == _LENGTH + 2 and set(code[1:]) <= _EXACT
    if is_own and _check_letter(code[1:-1]) != code[-1]:
        raise LabelError(_("This barcode is mistyped: its last letter does not fit the others."))
    return code


def draw_labels(labels: Sequence[SampleLabel]) -> bytes:
    """Labels as PDF, 48 on a page of A4 (45.7 × 21.2 mm), each with its square and its letters; no name stands on them."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1)
    canvas.setTitle(_("Sample labels"))
    height = 21.2 * mm
    left, top = (A4[0] - _COLUMNS * 48.3 * mm) / 2 + 1.3 * mm, A4[1] - 21.3 * mm
    for number, label in enumerate(labels):
        place = number % (_COLUMNS * _ROWS)
        if number and not place:
            canvas.showPage()
        x, y = left + place % _COLUMNS * 48.3 * mm, top - (place // _COLUMNS + 1) * height
        _draw_label(canvas, label.barcode, x, y, height)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw_label(canvas: Canvas, barcode: str, x: float, y: float, height: float) -> None:
    side = height - 4 * mm
    rows = list(segno.make(barcode, error="m", micro=False).matrix)
    cell = side / (len(rows) + 4)
    path = canvas.beginPath()
    for row, cells in enumerate(rows):
        for column, dark in enumerate(cells):
            if dark:
                path.rect(x + (column + 2) * cell, y + 2 * mm + side - (row + 3) * cell, cell, cell)
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.setFont("Courier-Bold", 9)
    for line, part in enumerate((barcode[:10], barcode[10:20], barcode[20:30], barcode[30:])):
        canvas.drawString(x + side + 1 * mm, y + height / 2 + 1 * mm - line * 3.6 * mm, part)
    city = settings.EPIPOLIS_CITY
    if city.isascii():
        canvas.setFont("Helvetica", 5.5)
        canvas.drawString(x + side + 1 * mm, y + height - 4.5 * mm, city[:24])


def _new_barcode() -> str:
    body = "".join(secrets.choice(_LETTERS) for _place in range(_LENGTH))
    return f"{_OWN}{body}{_check_letter(body)}"


def _check_letter(body: str) -> str:
    """One wrong letter, or two that changed places, is noticed: unlike weights, and a prime number of letters."""
    total = sum((place + 1) * _LETTERS.index(letter) for place, letter in enumerate(body))
    return _LETTERS[total % len(_LETTERS)]
