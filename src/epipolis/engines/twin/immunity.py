"""Protection by earlier infection and by vaccine, which wanes and which variants evade."""

from typing import TYPE_CHECKING

import numpy as np

from epipolis.engines.twin.draws import Floats, Ints

if TYPE_CHECKING:
    from epipolis.engines.twin.epidemics import Epidemic


def protection_of(epidemic: "Epidemic", who: Ints, before: Ints, variant: Ints) -> Floats:
    """Share of infections prevented today, for each of `who`; `before`: row of their latest infection, or -1."""
    disease, day = epidemic.disease, epidemic.day
    escape = np.array([0.0, *(item.escape for item in disease.variants)])
    had = before >= 0
    earlier = epidemic.rows[np.maximum(before, 0)]
    since = day - earlier["over_on"].astype(np.int64)
    natural = disease.immunity.after_infection * _left(since, disease.immunity.half_life_days)
    natural = np.where(since < disease.immunity.sure_days, 1.0, natural)
    natural = np.where(had, natural * np.where(earlier["variant"] == variant, 1.0, 1 - escape[variant]), 0.0)
    given = _by_vaccine(epidemic, who, "against_infection") * (1 - escape[variant])
    return np.asarray(1 - (1 - natural) * (1 - given), np.float64)


def severity_of(epidemic: "Epidemic", who: Ints, before: Ints, variant: Ints) -> Floats:
    """Times the chance of a severe course, for those infected now: by variant, vaccine and earlier infection."""
    worse = np.array([1.0, *(item.severity for item in epidemic.disease.variants)])[variant]
    worse = worse * (1 - _by_vaccine(epidemic, who, "against_severe"))
    return np.asarray(np.where(before >= 0, worse * (1 - epidemic.disease.immunity.after_infection / 2), worse), np.float64)


def _by_vaccine(epidemic: "Epidemic", who: Ints, against: str) -> Floats:
    since = epidemic.day - epidemic.vaccinated_on[who].astype(np.int64)
    protects = np.zeros(len(who))
    if (since < 0).all():
        return protects
    for number, vaccine in enumerate(epidemic.disease.vaccines):
        own = (epidemic.vaccine_of[who] == number) & (since >= vaccine.days_to_protect)
        wanes = vaccine.half_life_days if against == "against_infection" else None
        left = getattr(vaccine, against) * _left(since - vaccine.days_to_protect, wanes)
        protects = np.where(own, left, protects)
    return protects


def _left(days: Floats | Ints, half_life: float | None) -> Floats:
    """What is left of a protection after so many days."""
    if half_life is None:
        return np.ones(len(days))
    return np.asarray(0.5 ** (np.maximum(days, 0) / half_life), np.float64)
