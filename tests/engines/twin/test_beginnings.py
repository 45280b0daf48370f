import numpy as np
import pyarrow as pa
import pytest

from epipolis.engines.twin import Begin, Immunity, Vaccinate, simulate
from epipolis.engines.twin.beginnings import begin_from
from epipolis.engines.twin.courses import SEVERE
from epipolis.engines.twin.epidemics import advance
from epipolis.engines.twin.immunity import protection_of
from epipolis.engines.twin.rules import Orders, rules_of
from tests.engines.twin.factories import NOTHING, begun, busy


def table(*rows):
    names = ("area", "age_from", "age_to", "days_since_infection", "count")
    columns = zip(*rows, strict=True) if rows else ((),) * 5
    kinds = (pa.string(), *(pa.int64(),) * 4)
    return pa.table({name: pa.array(values, kind) for name, values, kind in zip(names, columns, kinds, strict=True)})


def began(world, begin, **more):
    epidemic = begun(world, introduced=0, **more)
    begin_from(epidemic, begin)
    return epidemic


def test_so_many_of_each_area_and_age_are_infected_as_was_asked(world):
    first, second = world.area_codes[0], world.area_codes[3]
    epidemic = began(world, Begin(table((first, 20, 39, 4, 15), (second, 0, 99, 9, 20), (None, 60, 99, 0, 25))))
    rows = epidemic.infections
    person, since = rows["person"], -rows["day"]
    age, area = world.age[person], world.area[person]

    assert len(np.unique(person)) == len(rows) == 60
    assert np.bincount(since).tolist() == [25, 0, 0, 0, 15, 0, 0, 0, 0, 20]
    assert (area[since == 4] == 0).all()
    assert age[since == 4].min() >= 20
    assert age[since == 4].max() <= 39
    assert (area[since == 9] == 3).all()
    assert age[since == 0].min() >= 60
    assert len(np.unique(area[since == 0])) > 1


def test_no_more_than_live_there_can_be_infected(world):
    everyone = int((world.area == 2).sum())
    epidemic = began(world, Begin(table((world.area_codes[2], 0, 120, 3, everyone + 50), (None, 0, 120, 1, 10))))

    assert epidemic.count == everyone + 10
    assert len(np.unique(epidemic.infections["person"])) == everyone + 10


def test_where_immunity_is_for_life_the_immune_share_of_all_others_cannot_be_infected(world):
    epidemic = began(world, Begin(table((None, 0, 99, 3, 400)), immune_share=0.4), disease=busy(immunity=Immunity()))
    others = np.ones(len(world.age), bool)
    others[epidemic.infections["person"]] = False

    immune = epidemic.bodies["can"] == 0
    assert immune[~others].all()
    assert immune[others].mean() == pytest.approx(0.4, abs=0.03)


def test_elsewhere_their_protection_wanes_as_after_an_infection(world):
    immunity = Immunity(after_infection=0.9, half_life_days=100)
    epidemic = began(world, Begin(table((None, 0, 99, 3, 400)), immune_share=0.4), disease=busy(immunity=immunity))
    immune = np.flatnonzero(epidemic.bodies["can"] == 2)
    others, same = np.flatnonzero(epidemic.bodies["can"] == 1), np.zeros(len(immune), int)

    def protected(who):
        return protection_of(epidemic, who, epidemic.last_of[who], same[: len(who)])

    assert len(immune) / (len(immune) + len(others)) == pytest.approx(0.4, abs=0.03)
    assert protected(immune) == pytest.approx(0.9)
    assert (protected(others[: len(immune)]) == 0).all()
    epidemic.day = 100
    assert protected(immune) == pytest.approx(0.45)


def test_who_is_immune_at_first_can_be_infected_later(city):
    fades = busy(immunity=Immunity(after_infection=1.0, half_life_days=5), imported_per_100k_daily=0.0)
    stays = busy(immunity=Immunity(after_infection=1.0), imported_per_100k_daily=0.0)
    begin = Begin(table((None, 20, 60, 2, 30)), immune_share=1.0)

    assert simulate(city, fades, days=40, begin=begin).truth.num_rows > 60
    assert simulate(city, stays, days=40, begin=begin).truth.num_rows == 30


def test_vaccines_of_the_disease_are_given_beside_earlier_immunity(city):
    begin = Begin(table((None, 20, 60, 2, 30)), immune_share=0.5)
    result = simulate(city, busy(), [Vaccinate(vaccine="mRNA", per_day=100)], days=20, begin=begin)

    assert sum(result.curve.column("vaccinated").to_pylist()) > 500


def test_more_immunity_leaves_fewer_infections(city):
    disease = busy(immunity=Immunity(1.0, None))
    sizes = [
        simulate(city, disease, days=40, begin=Begin(table((None, 20, 60, 2, 30)), immune_share=share)).truth.num_rows
        for share in (0.0, 0.5, 1.0)
    ]

    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 300
    assert sizes[2] == 30


def test_the_share_of_the_disease_is_not_brought_in_beside(city):
    result = simulate(city, busy(9_000, imported_per_100k_daily=0.0), days=1, begin=Begin(table((None, 0, 99, 1, 7))))

    assert (np.asarray(result.truth.column("infected_day")) < 0).sum() == 7


def test_those_who_fell_severely_ill_before_are_in_hospital_from_the_first_day_on(world):
    epidemic = begun(world, busy(severe=(0.69,) * 10, symptomatic=(0.69,) * 10), introduced=0)
    begin_from(epidemic, Begin(table((None, 70, 99, 16, 200))))
    rows = epidemic.infections
    inside = rows[(rows["course"] >= SEVERE) & (rows["severe_on"] < 0) & (rows["over_on"] > 1)]

    advance(epidemic, rules_of(epidemic, Orders(()), NOTHING))

    assert len(inside) > 5
    assert (epidemic.bodies["away_until"][inside["person"]] == inside["over_on"] - 1).all()


@pytest.mark.parametrize(
    ("begin", "sentence"),
    [
        (lambda: Begin(table().drop_columns(["count", "area"])), "lacks area, count"),
        (lambda: Begin(table(), immune_share=1.2), "immune share must lie between 0 and 1"),
        (lambda: Begin(table(), immune_share=-0.1), "immune share must lie between 0 and 1"),
        (lambda: Begin(table((None, 0, 9, 1, 1), (None, 0, 9, 1, -1))), "row 2"),
        (lambda: Begin(table((None, 0, 9, 61, 1))), "row 1"),
        (lambda: Begin(table((None, 0, 9, -1, 1))), "row 1"),
        (lambda: Begin(table((None, 10, 9, 1, 1))), "row 1"),
    ],
)
def test_a_beginning_that_cannot_be_is_refused(begin, sentence):
    with pytest.raises(ValueError, match=sentence):
        begin()


def test_an_area_that_the_city_does_not_have_is_refused(city):
    with pytest.raises(ValueError, match="The city has no area 'Atlantis'"):
        simulate(city, busy(), days=3, begin=Begin(table(("Atlantis", 0, 99, 1, 5))))


def test_nobody_infected_begins_nothing(city):
    result = simulate(city, busy(imported_per_100k_daily=0.0), days=10, begin=Begin(table()))

    assert result.truth.num_rows == 0
    assert result.summary()["r_early"] == 0
