"""What is forecast: counts from the line list, occupancies, and whatever series the city uploads."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from epipolis.understand.forecast.models import Series

CITY = "city"
"""The area that is the whole city, cases without a district included."""
CASES, ONSETS, ADMISSIONS, DECLARED = "cases", "onsets", "admissions", "declared"
WARD = "ward"
BASELINE, ENSEMBLE, NOWCAST, BEDS = "baseline", "ensemble", "nowcast", "beds"
WEEK = 7


@dataclass(frozen=True)
class Target:
    """`happened` is the day of the line list by which it counts; empty: from an uploaded series.

    A `late` target's latest days are still incomplete when they are first counted: they are completed by a nowcast, and
    its forecasts are scored only against final counts.
    """

    name: str
    title: Any
    unit: Any
    happened: str = ""
    is_late: bool = False
    is_occupancy: bool = False


LINE_LIST = {
    CASES: Target(CASES, gettext_lazy("confirmed cases by day of report"), gettext_lazy("cases"), "reported"),
    ONSETS: Target(ONSETS, gettext_lazy("confirmed cases by onset of illness"), gettext_lazy("cases"), "onset", is_late=True),
    ADMISSIONS: Target(
        ADMISSIONS, gettext_lazy("admissions to hospital"), gettext_lazy("admissions"), "hospitalised", is_late=True
    ),
}
COUNTED = LINE_LIST | {
    DECLARED: Target(DECLARED, gettext_lazy("people who declared to be ill, by first symptoms"), gettext_lazy("people"))
}
"""Every series that the platform counts itself, a day without a report being zero; those of the line list are forecast."""
OCCUPANCIES = {
    WARD: Target(WARD, gettext_lazy("people in hospital"), gettext_lazy("beds"), is_occupancy=True),
    "icu": Target("icu", gettext_lazy("people in intensive care"), gettext_lazy("beds"), is_occupancy=True),
    "ventilators": Target("ventilators", gettext_lazy("people on ventilators"), gettext_lazy("ventilators"), is_occupancy=True),
}
KNOWN = COUNTED | OCCUPANCIES
MODEL_TITLES = {
    BASELINE: gettext_noop("as it is now (baseline)"),
    ENSEMBLE: gettext_noop("all models together"),
    NOWCAST: gettext_noop("nowcast"),
    BEDS: gettext_noop("beds"),
    "renewal": gettext_noop("renewal with drifting Rt"),
    "autoregressive": gettext_noop("autoregressive"),
    "damped": gettext_noop("growth that slows down"),
    "boosted": gettext_noop("learned over all areas"),
    "seasonal": gettext_noop("like earlier seasons"),
    "analogue": gettext_noop("like earlier courses"),
    "persistence": gettext_noop("as it is now (baseline)"),
}


def target(name: str) -> Target:
    """A target by its name; one of an uploaded series under that series' title, an unknown one under its own name."""
    if name in KNOWN:
        return KNOWN[name]
    series = Series.objects.filter(name=name).first()
    if series is None:
        return Target(name, name, name)
    return Target(name, series.title, series.title, is_occupancy=series.kind == Series.Kind.OCCUPANCY)


def model_title(name: str) -> str:
    """A model in the reader's words; another team's under its own name."""
    return _(MODEL_TITLES[name]) if name in MODEL_TITLES else name
