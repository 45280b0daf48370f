"""Signals and hot spots are raised exactly once; what becomes known later revises them and never doubles them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from epipolis.understand.signals.models import HotSpot, Signal, SignalRevision
from epipolis.understand.signals.services.detecting import Found, Row, Spot

_SAME = 1e-6
_AGAIN = timedelta(days=7)  # late reports move the day on which a limit was passed; that is no second passing
_GAP = timedelta(days=1)


def keep_rows(rows: Iterable[Row], *, known_at: datetime, made_at: datetime) -> tuple[int, int]:
    """Raise new alarms and revise signals whose value changed; how many of each."""
    listed = list(rows)
    if not listed:
        return 0, 0
    first, last = min(row.day for row in listed) - _AGAIN, max(row.day for row in listed) + _AGAIN
    held = Signal.objects.exclude(method=Signal.Method.SCAN).filter(day__gte=first, day__lte=last).select_for_update()
    existing = {(one.series, one.area, one.day, one.method): one for one in held}
    raised = changed = 0
    for row in listed:
        have = existing.get(row.key)
        if have is not None:
            changed += _revise(have, row, known_at)
        elif row.is_alarm and not _is_passed_before(row, existing):
            existing[row.key] = _raise(row, known_at=known_at, made_at=made_at)
            raised += 1
    return raised, changed


def _is_passed_before(row: Row, existing: dict[Any, Signal]) -> bool:
    if row.method != Signal.Method.LEVEL:
        return False
    nearby = (existing.get((row.series, row.area, row.day + timedelta(days=n), row.method)) for n in range(-7, 8))
    return any(one is not None and one.stands and (one.upper or 0) >= (row.upper or 0) for one in nearby)


def _raise(row: Row, *, known_at: datetime, made_at: datetime) -> Signal:
    signal = Signal.objects.create(
        series=row.series, area=row.area, day=row.day, method=row.method, step=row.step, value=row.value,
        expected=row.expected, upper=row.upper, rate=row.rate, rule=row.rule, course=row.course, detail=row.detail,
        known_at=known_at, raised_at=made_at, revised_at=known_at,
    )  # fmt: skip
    _note(signal, known_at)
    return signal


def _revise(signal: Signal, row: Row, known_at: datetime) -> int:
    """Take a newer value over; of the same data nothing changes."""
    upper = signal.upper if row.method == Signal.Method.LEVEL else row.upper
    stands = row.is_alarm if row.method != Signal.Method.LEVEL else row.value >= (upper or 0)
    is_same = abs(signal.value - row.value) < _SAME and signal.stands == stands
    if is_same or known_at <= signal.revised_at:
        return 0
    signal.value, signal.expected, signal.upper, signal.stands = row.value, row.expected, upper, stands
    signal.revised_at = known_at
    signal.save(update_fields=["value", "expected", "upper", "stands", "revised_at"])
    _note(signal, known_at)
    return 1


def keep_spots(found: Found, *, known_at: datetime, made_at: datetime) -> tuple[int, int]:
    """Raise new hot spots, let those that go on grow, and tell of those that ended."""
    if found.scanned is None:
        return 0, 0
    series, day = found.scanned
    held = HotSpot.objects.select_related("signal").select_for_update().filter(signal__series=series)
    going = list(held.filter(last_day__gte=day - timedelta(days=90)).order_by("-last_day", "-signal_id"))
    raised = changed = 0
    seen = set()
    for spot in found.spots:
        same = next((one for one in going if one.pk not in seen and _is_same(one, spot)), None)
        if same is None:
            same = _raise_spot(spot, known_at=known_at, made_at=made_at)
            raised += same is not None
        elif known_at > same.signal.revised_at:
            changed += _grow(same, spot, known_at)
        if same is not None:
            seen.add(same.pk)
    for one in going:
        if one.pk not in seen and one.signal.stands and known_at > one.signal.revised_at:
            one.signal.stands, one.signal.revised_at = False, known_at
            one.signal.save(update_fields=["stands", "revised_at"])
            _note(one.signal, known_at, _facts(one))
            changed += 1
    return raised, changed


def _is_same(one: HotSpot, spot: Spot) -> bool:
    """Whether both share a place, and their days touch."""
    first, last = spot.facts["first_day"], spot.facts["last_day"]
    touches = one.first_day <= last and first <= one.last_day + _GAP
    return touches and bool(set(one.areas) & set(spot.facts["areas"]))


def _raise_spot(spot: Spot, *, known_at: datetime, made_at: datetime) -> HotSpot | None:
    signal, is_new = Signal.objects.get_or_create(
        series=spot.series, area=spot.centre, day=spot.facts["last_day"], method=Signal.Method.SCAN,
        defaults={
            "value": spot.facts["observed"], "expected": spot.facts["expected"], "rate": spot.rate, "rule": spot.rule,
            "course": spot.course, "known_at": known_at, "raised_at": made_at, "revised_at": known_at,
        },
    )  # fmt: skip
    if not is_new:
        return None
    made = HotSpot.objects.create(signal=signal, **spot.facts)
    _note(signal, known_at, _facts(made))
    return made


def _grow(one: HotSpot, spot: Spot, known_at: datetime) -> int:
    if spot.facts["last_day"] < one.last_day:
        return 0
    before = _facts(one) | {"stands": one.signal.stands}
    for name, value in spot.facts.items():
        setattr(one, name, value)
    if _facts(one) | {"stands": True} == before:
        return 0
    one.save()
    signal = one.signal
    signal.value, signal.expected, signal.stands, signal.revised_at = one.observed, one.expected, True, known_at
    signal.save(update_fields=["value", "expected", "stands", "revised_at"])
    _note(signal, known_at, _facts(one))
    return 1


def _facts(one: HotSpot) -> dict[str, Any]:
    days = {"first_day": one.first_day.isoformat(), "last_day": one.last_day.isoformat()}
    return {"areas": list(one.areas), "observed": one.observed, "expected": round(one.expected, 6), "p": one.p} | days


def _note(signal: Signal, known_at: datetime, detail: dict[str, Any] | None = None) -> None:
    SignalRevision.objects.create(
        signal=signal, known_at=known_at, value=signal.value, expected=signal.expected, upper=signal.upper,
        stands=signal.stands, detail=signal.detail if detail is None else detail,
    )  # fmt: skip
