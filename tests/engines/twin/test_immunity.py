"""What protects from an infection and from its worst, worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from epipolis.engines.twin import Immunity, Vaccine, Variant, simulate
from epipolis.engines.twin.courses import NEVER
from epipolis.engines.twin.epidemics import add_infections
from epipolis.engines.twin.immunity import protection_of, severity_of
from tests.engines.twin.factories import begun, busy, column

PLAIN = Variant(name="later", transmissibility=1.0, severity=2.0, escape=0.4, arrives_day=999, introduced_per_100k=0)
VACCINES = (
    Vaccine("strong", 2, 21, 7, against_infection=0.9, against_severe=0.5, half_life_days=100),
    Vaccine("weak", 1, 0, 14, against_infection=0.5, against_severe=0.25),
)
WHO = np.arange(4)


@pytest.fixture
def epidemic(world):
    disease = busy(immunity=Immunity(0.8, 200.0), vaccines=VACCINES, variants=(PLAIN,))
    return begun(world, disease, introduced=0)


def infected(epidemic, over_on, variant=0):
    """All of WHO were infected before and recovered on that day."""
    nothing = np.full(len(WHO), -1)
    add_infections(epidemic, WHO, nothing, nothing, nothing, np.full(len(WHO), over_on - 14), variant)
    epidemic.rows["over_on"][: len(WHO)] = over_on


def protection(epidemic, variant=0):
    return protection_of(epidemic, WHO, epidemic.last_of[WHO], np.full(len(WHO), variant))


def severity(epidemic, variant=0):
    return severity_of(epidemic, WHO, epidemic.last_of[WHO], np.full(len(WHO), variant))


def test_who_was_never_infected_or_vaccinated_has_no_protection(epidemic):
    assert protection(epidemic).tolist() == [0, 0, 0, 0]
    assert severity(epidemic).tolist() == [1, 1, 1, 1]
    assert severity(epidemic, 1).tolist() == [2, 2, 2, 2]


def test_protection_by_an_infection_falls_by_half_in_its_half_life(epidemic):
    infected(epidemic, over_on=10)
    for day, left in ((10, 0.8), (210, 0.4), (410, 0.2)):
        epidemic.day = day
        assert protection(epidemic) == pytest.approx(np.full(4, left))


def test_another_variant_evades_its_share_and_the_own_one_nothing(epidemic):
    infected(epidemic, over_on=10)
    epidemic.day = 10

    assert protection(epidemic, 1) == pytest.approx(np.full(4, 0.8 * 0.6))
    epidemic.rows["variant"][:4] = 1
    assert protection(epidemic, 1) == pytest.approx(np.full(4, 0.8))


def test_a_vaccine_protects_from_its_day_on_and_wanes_where_it_does(epidemic):
    epidemic.vaccinated_on[[0, 1]] = 20
    epidemic.vaccine_of[[0, 1]] = [0, 1]
    due = {
        20: (0, 0),
        26: (0, 0),
        27: (0.9, 0),
        34: (0.9 * 0.5**0.07, 0.5),
        127: (0.45, 0.5),
    }
    for day, (strong, weak) in due.items():
        epidemic.day = day
        assert protection(epidemic) == pytest.approx([strong, weak, 0, 0])
    assert protection(epidemic, 1) == pytest.approx([0.45 * 0.6, 0.5 * 0.6, 0, 0])


def test_two_protections_leave_what_both_let_through(epidemic):
    infected(epidemic, over_on=30)
    epidemic.vaccinated_on[0] = 0
    epidemic.day = 30

    vaccine = 0.9 * 0.5 ** (23 / 100)
    assert protection(epidemic) == pytest.approx([1 - 0.2 * (1 - vaccine), 0.8, 0.8, 0.8])


def test_severe_courses_are_rarer_after_a_vaccine_and_an_infection(epidemic):
    epidemic.vaccinated_on[[0, 1]] = 0
    epidemic.vaccine_of[1] = 1
    epidemic.day = 300
    assert severity(epidemic) == pytest.approx([0.5, 0.75, 1, 1])  # does not wane

    infected(epidemic, over_on=290)
    assert severity(epidemic) == pytest.approx([0.3, 0.45, 0.6, 0.6])
    assert severity(epidemic, 1) == pytest.approx([0.6, 0.9, 1.2, 1.2])


def test_immune_for_life_nobody_is_infected_twice(city):
    result = simulate(city, busy(2_000, immunity=Immunity(1.0, None)), days=90, seed=1)
    person = column(result.truth, "person")

    assert len(person) > 2_000
    assert len(np.unique(person)) == len(person)


def test_as_immunity_wanes_people_are_infected_again(city):
    runs = [
        simulate(city, busy(2_000, immunity=Immunity(1.0, half_life)), days=90, seed=1) for half_life in (2_000.0, 200.0, 20.0)
    ]
    again = [run.truth.num_rows - len(np.unique(column(run.truth, "person"))) for run in runs]

    assert again[0] < again[1] < again[2]
    assert again[2] > 500
    person, day = column(runs[2].truth, "person"), column(runs[2].truth, "infected_day")
    over = column(runs[2].truth, "over_day")
    order = np.lexsort((day, person))
    same = np.diff(person[order]) == 0
    assert (day[order][1:] >= over[order][:-1])[same].all()  # never while still ill


def test_a_variant_that_evades_infects_those_who_were_immune_for_life(city):
    evading = replace(PLAIN, escape=1.0, arrives_day=60, introduced_per_100k=1_000, transmissibility=1.5)
    disease = busy(2_000, immunity=Immunity(1.0, None))
    alone = simulate(city, disease, days=100, seed=1)
    result = simulate(city, replace(disease, variants=(evading,)), days=100, seed=1)
    tame = simulate(city, replace(disease, variants=(replace(evading, escape=0.0),)), days=100, seed=1)

    def repeated(run):
        return run.truth.num_rows - len(np.unique(column(run.truth, "person")))

    variant, day = column(result.truth, "variant"), column(result.truth, "infected_day")
    assert day[variant == 1].min() == 60
    assert (variant == 1).sum() > 1_000
    assert repeated(alone) == repeated(tame) == 0
    assert repeated(result) > 500


def test_never_is_later_than_any_day_of_a_run():
    assert NEVER > 3_650 + 60
