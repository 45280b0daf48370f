"""What a disease comes to in theory, before any simulation: how many it infects, how fast, and how hard it strikes."""

from collections.abc import Mapping
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from epipolis.engines.twin.disease import Disease, Duration
from epipolis.engines.twin.draws import Floats

EUROPE = (0.095, 0.104, 0.109, 0.129, 0.139, 0.145, 0.122, 0.094, 0.052, 0.011)
"""Share of people by ten years of age, rounded from the European Union of 2020 (Eurostat)."""


class Contacts(NamedTuple):
    """The people one meets in one setting: how many, and for how many undivided hours with each on an infectious day."""

    people: float
    hours: float


_QUANTILES = 500
CITY = {"household": Contacts(1.84, 2.6), "close": Contacts(1.1, 11.5), "others": Contacts(31.0, 0.19)}
"""An average person in a city of the twin, fitted to its early cases at transmissibilities from 0.4 to 12."""


def traits(
    disease: Disease, contacts: Mapping[str, Contacts] | None = None, ages: tuple[float, ...] = EUROPE
) -> dict[str, float]:
    """Figures to hold against published ones.

    `reproduction`: infections by one early case, when nothing is done. `generation_days`: mean from infection to
    infection. `incubation_days`: median. `symptomatic`, `severe`, `dies`: shares of all infections. Infections fall on
    ages by their share of the people times susceptibility. `contacts`: see `CITY`; the people met are the same on each
    day, and those of the household are met even by those who stay at home because they are ill.
    """
    shares = np.array(ages) / sum(ages)
    infected = shares * disease.susceptibility / (shares @ np.array(disease.susceptibility))
    symptomatic = float(infected @ np.array(disease.symptomatic))
    return {
        "reproduction": _reproduction(disease, contacts or CITY, float(shares @ np.array(disease.susceptibility)), symptomatic),
        "generation_days": _generation_days(disease, symptomatic),
        "incubation_days": _incubation_days(disease),
        "symptomatic": symptomatic,
        "severe": float(infected @ np.array(disease.severe)),
        "dies": float(infected @ np.array(disease.dies)),
    }


def _reproduction(disease: Disease, contacts: Mapping[str, Contacts], susceptibility: float, symptomatic: float) -> float:
    """Mean over gamma-distributed infectiousness of contacts infected: n * (1 - (1 + hazard / k) ** -k)."""
    days_well, days_ill = _infectious_days(disease)
    before = _share_before_onset(disease)
    courses = (
        (symptomatic * (1 - disease.isolates_when_ill), days_ill, 1.0),
        (symptomatic * disease.isolates_when_ill, days_ill, before),
        (1 - symptomatic, days_well * disease.asymptomatic_infectiousness, 1.0),
    )
    total = 0.0
    for share, days, out in courses:
        for setting, met in contacts.items():
            there = days if setting == "household" else days * out
            hazard = disease.transmissibility * susceptibility * met.hours * there
            total += share * met.people * (1 - (1 + hazard / disease.dispersion) ** -disease.dispersion)
    return total


def _infectious_days(disease: Disease) -> tuple[float, float]:
    """Without and with symptoms; by day of onset: the share of the infectiousness that falls after the infection."""
    if disease.viral_load is None:
        share = float(_shed_by_onset(disease)[1].sum())
        return share, share
    return disease.asymptomatic_to_recovered.mean, _mean(disease.presymptomatic) + disease.mild_to_recovered.mean


def _shed_by_onset(disease: Disease) -> tuple[Floats, Floats]:
    """Days after infection and infectiousness on them: a row for each equally likely incubation, a column for each day."""
    span = disease.incubation
    assert span is not None  # noqa: S101 -- every disease told by day of onset has one
    normal = [NormalDist().inv_cdf((number + 0.5) / _QUANTILES) for number in range(_QUANTILES)]
    incubation = np.maximum(np.rint(np.exp(span.log_mean + span.log_spread * np.array(normal))), 1)
    days = incubation[:, None] + float(disease.first_infectious_day) + np.arange(len(disease.infectiousness))
    return days, np.where(days >= 1, disease.infectiousness, 0) / _QUANTILES


def _share_before_onset(disease: Disease) -> float:
    if disease.viral_load is None:
        shed = _shed_by_onset(disease)[1]
        return float(shed[:, : max(-disease.first_infectious_day, 0)].sum() / shed.sum())
    days = _infectious_days(disease)[1]
    steps, loads = _load_by_time(disease, days)
    return float(loads[steps < _mean(disease.presymptomatic)].sum() / loads.sum())


def _generation_days(disease: Disease, symptomatic: float) -> float:
    if disease.viral_load is None:
        days, shed = _shed_by_onset(disease)
        return float((days * shed).sum() / shed.sum())
    without, with_symptoms = (_middle(disease, days) for days in _infectious_days(disease))
    weights = np.array([(1 - symptomatic) * disease.asymptomatic_infectiousness, symptomatic]) * _infectious_days(disease)
    return _mean(disease.latent) + float(weights @ np.array([without, with_symptoms]) / weights.sum())


def _middle(disease: Disease, days: float) -> float:
    steps, loads = _load_by_time(disease, days)
    return float(steps @ loads / loads.sum())


def _load_by_time(disease: Disease, days: float) -> tuple[Floats, Floats]:
    load = disease.viral_load
    assert load is not None  # noqa: S101 -- asked for such diseases only
    steps = (np.arange(1000) + 0.5) * days / 1000
    return steps, np.where(steps < min(load.high_share * days, load.longest), load.ratio, 1.0)


def _incubation_days(disease: Disease) -> float:
    if disease.incubation is not None:
        return disease.incubation.median
    draws = np.random.default_rng(1).standard_normal((2, 100_000))
    spans = [
        np.exp(span.log_mean + span.log_spread * draw)
        for span, draw in zip((disease.latent, disease.presymptomatic), draws, strict=True)
        if span
    ]
    return float(np.median(sum(spans)))


def _mean(span: Duration | None) -> float:
    return span.mean if span else 0.0
