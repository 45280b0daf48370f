"""The spread against theory, against another model on the same contacts, and what its lists of cases give back."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from epipolis.engines.twin import Duration, Immunity, ViralLoad, load_disease, simulate, simulate_many
from epipolis.engines.twin.mixing import hybrid_population, well_mixed
from tests.engines.twin.theory import (
    column,
    dispersion_of,
    final_share,
    growth_rate,
    infected_by,
    renewal,
    rounded_lognormal,
)

LATENT, ILL = 3, 6
EVEN = (1.0,) * 10
NOBODY = (0.0,) * 10
INTRODUCED = 0.02


def plain(reproduction, **changes):
    """Three days to become infectious and six infectious days for everyone, nobody ill."""
    fixed = {"latent": Duration(LATENT, 0), "asymptomatic_to_recovered": Duration(ILL, 0)}
    course = {"symptomatic": NOBODY, "severe": NOBODY, "critical": NOBODY, "dies": NOBODY, "susceptibility": EVEN}
    quiet = {"imported_per_100k_daily": 0.0, "dispersion": 1_000.0}
    load = {"viral_load": ViralLoad(high_share=0.3, ratio=1.0, longest=4.0), "transmissibility": reproduction / ILL}
    return replace(load_disease("covasim_default"), **{**fixed, **course, **quiet, **load, **changes})


def caused_after(reproduction):
    """Infections that one person causes so many days after their own, by the figures of `plain`."""
    return np.array([0.0] * LATENT + [reproduction / ILL] * ILL)


def infections_by_day(people, disease, days, seeds, introduced=INTRODUCED):
    """One row a seed; `introduced`: share of the people infected on the first day."""
    first = round(introduced * people)
    runs = simulate_many(well_mixed(people, seed=1), disease, days=days, seeds=seeds, introduced=first)
    return np.array([run.curve.column("infections").to_numpy() for run in runs])


def size_and_error(curves, people):
    """Mean share infected, its standard error, and the variance between seeds."""
    shares = curves.sum(axis=1) / people
    return shares.mean(), shares.std(ddof=1) / np.sqrt(len(shares)), shares.var(ddof=1)


@pytest.fixture(scope="module")
def mixed():
    """Epidemics among 2,000 people in which each of the first infects two."""
    return infections_by_day(2_000, plain(2.0), 110, range(30))


def test_the_final_size_is_that_of_the_equation(mixed):
    share, error, _ = size_and_error(mixed, 2_000)

    assert error < 0.004
    assert share == pytest.approx(final_share(2.0, INTRODUCED), abs=4 * error)


def test_personal_infectiousness_changes_who_infects_but_not_how_many():
    curves = infections_by_day(1_000, plain(2.5, dispersion=0.5), 75, range(100, 130))
    share, error, _ = size_and_error(curves, 1_000)

    assert error < 0.01
    assert share == pytest.approx(final_share(2.5, INTRODUCED), abs=4 * error)


def test_the_curve_is_that_of_the_renewal_equation(mixed):
    due = renewal(caused_after(2.0), INTRODUCED, 110)
    found, error = mixed.mean(axis=0) / 2_000, mixed.std(axis=0, ddof=1) / 2_000 / np.sqrt(len(mixed))

    assert abs(found.cumsum() - due.cumsum()).max() < 0.02
    assert (abs(found - due) < 5 * error + 3e-4).all()


def test_the_epidemic_grows_at_the_rate_of_euler_and_lotka():
    introduced = 0.0025
    found = infections_by_day(8_000, plain(2.0), 40, range(12), introduced).mean(axis=0) / 8_000
    due = renewal(caused_after(2.0), introduced, 40)
    days = np.flatnonzero((due.cumsum() > 0.01) & (due.cumsum() < 0.06))
    from_few = renewal(caused_after(2.0), 1e-9, 80)

    assert len(days) > 10
    assert _growth(found.cumsum(), days) == pytest.approx(_growth(due.cumsum(), days), rel=0.04)
    assert _growth(from_few, np.arange(50, 80)) == pytest.approx(growth_rate(caused_after(2.0)), rel=0.002)


def _growth(curve, days):
    return np.polyfit(days, np.log(curve[days]), 1)[0]


def test_four_times_the_people_quarter_the_noise_and_leave_the_curve():
    disease, seeds = plain(2.5), 60
    few, error, noise = size_and_error(infections_by_day(400, disease, 75, range(seeds)), 400)
    many, other, less = size_and_error(infections_by_day(1_600, disease, 75, range(seeds, 2 * seeds)), 1_600)
    chance = np.exp(3.3 * np.sqrt(4 / (seeds - 1)))  # how far the ratio of two such variances may lie from the true one

    assert few == pytest.approx(many, abs=4 * np.hypot(error, other))
    assert 4 / chance < noise / less < 4 * chance


@pytest.fixture(scope="module")
def beside_covasim():
    """Mean figures of twenty seeds: ours, and those that Covasim found on its hybrid population."""
    kept = json.loads((Path(__file__).parent / "covasim_default.json").read_text())
    disease = load_disease("covasim_default")
    found = []
    for seed in range(len(kept["runs"])):
        run = simulate(
            hybrid_population(kept["people"], seed),
            disease,
            days=kept["days"] + 1,
            seed=seed,
            introduced=kept["introduced"],
        )
        curve = {name: run.curve.column(name).to_numpy() for name in ("infections", "symptoms", "deaths")}
        peak_day = int(np.convolve(curve["infections"], np.ones(7), "valid").argmax()) + 3
        found.append([*(curve[name].sum() for name in ("infections", "symptoms", "deaths")), peak_day])
    due = [[run[name] for name in ("infections", "symptomatic", "deaths", "peak_day")] for run in kept["runs"]]
    return np.mean(found, axis=0), np.mean(due, axis=0)


def test_as_many_are_infected_and_ill_as_in_covasim(beside_covasim):
    ours, theirs = beside_covasim
    assert ours[:2] == pytest.approx(theirs[:2], rel=0.05)


def test_as_many_die_as_in_covasim(beside_covasim):
    ours, theirs = beside_covasim
    assert ours[2] == pytest.approx(theirs[2], rel=0.15)


def test_the_peak_comes_when_it_does_in_covasim(beside_covasim):
    ours, theirs = beside_covasim
    assert ours[3] == pytest.approx(theirs[3], abs=5)


@pytest.fixture(scope="module")
def listed():
    """The infections of a slow epidemic of the ancestral virus, all with symptoms, without limits on meeting."""
    usual = load_disease("covid_19_ancestral")
    disease = replace(
        usual,
        transmissibility=1.1,
        symptomatic=EVEN,
        susceptibility=EVEN,
        severe=NOBODY,
        critical=NOBODY,
        dies=NOBODY,
        isolates_when_ill=0.0,
        immunity=Immunity(),
        imported_per_100k_daily=0.0,
    )
    runs = simulate_many(well_mixed(5_000, seed=1), disease, days=60, seeds=range(12), introduced=200)
    return disease, [run.truth for run in runs]


def test_the_list_gives_back_the_incubation(listed):
    disease, truths = listed
    days = np.concatenate([column(truth, "onset_day") - column(truth, "infected_day") for truth in truths])
    error = days.std() / np.sqrt(len(days))

    assert days.mean() == pytest.approx(disease.incubation.mean, abs=4 * error)
    assert days.std() == pytest.approx(disease.incubation.spread, rel=0.05)


def test_the_list_gives_back_the_serial_interval(listed):
    disease, truths = listed
    mean, spread = _serial_interval(disease)
    days = []
    for truth in truths:
        cause, onset = infected_by(truth, "infector"), column(truth, "onset_day")
        early = (cause >= 0) & (column(truth, "infected_day")[cause] < 25)
        days.append((onset - onset[cause])[early])
    found = np.concatenate(days)

    assert found.mean() == pytest.approx(mean, abs=0.2)
    assert found.std() == pytest.approx(spread, rel=0.06)


def _serial_interval(disease):
    """Mean and standard deviation: own day of infectiousness, counted from onset, plus the other's incubation.

    Nobody infects on the day of their own infection, nor from the day of recovery on.
    """
    incubation, illness = rounded_lognormal(disease.incubation), rounded_lognormal(disease.mild_to_recovered)
    span = np.arange(len(incubation))
    offset = disease.first_infectious_day + np.arange(len(disease.infectiousness))
    still_ill = np.where(offset < 0, 1.0, 1 - illness.cumsum()[np.maximum(offset, 0)])
    began = np.array([incubation[span + day >= 1].sum() for day in offset])
    weight = np.array(disease.infectiousness) * still_ill * began
    shares, mean = weight / weight.sum(), incubation @ span
    first = shares @ offset
    return first + mean, np.sqrt(shares @ (offset - first) ** 2 + incubation @ (span - mean) ** 2)


def test_the_list_gives_back_the_dispersion(listed):
    disease, truths = listed
    counts = []
    for truth in truths:
        cause, day = infected_by(truth, "infector"), column(truth, "infected_day")
        caused = np.bincount(cause[cause >= 0], minlength=len(day))
        counts.append(caused[day < 25])
    found = dispersion_of(np.concatenate(counts))

    assert found == pytest.approx(disease.dispersion, rel=0.1)  # three standard errors
