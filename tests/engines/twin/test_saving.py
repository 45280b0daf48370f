import io
import json
from dataclasses import replace

import numpy as np
import pytest

from epipolis.engines.twin import (
    USUAL_RESPONSE,
    Vaccinate,
    build_city,
    curve,
    days_of,
    load,
    measures,
    save,
    start_run,
    step,
)
from tests.engines.twin.factories import MONDAY, busy

EVERYTHING = (
    measures.Testing(capacity_per_100k=600, screening=0.002),
    measures.IsolateCases(),
    measures.QuarantineHouseholds(),
    measures.TraceContacts(delay_days=3),
    measures.TraceByBluetooth(),
    measures.Masks(compliance=0.6, compliance_by_age={"0-17": 0.2}),
    Vaccinate(vaccine="mRNA", per_day=40),
    measures.Curfew(from_hour=20, first_day=12),
)


def after(run, days):
    told = []
    for later, day in days_of(run, days):
        run = later
        told.append(day)
    return run, told


@pytest.mark.parametrize("orders", [(), USUAL_RESPONSE, EVERYTHING], ids=["nothing", "usual", "everything"])
def test_a_run_that_was_saved_goes_on_as_if_it_never_stopped(city, orders):
    # Many are brought in each day: infections of one day then come from two sides.
    disease = busy(1_000, imported_per_100k_daily=500.0)
    whole, told = after(start_run(city, disease, orders, seed=6, start=MONDAY), 26)
    first, _ = after(start_run(city, disease, orders, seed=6, start=MONDAY), 13)

    resumed, later = after(load(save(first), city=build_city(4_000, seed=7), disease=disease), 13)

    assert resumed.truth.equals(whole.truth)
    assert curve(resumed).equals(curve(whole))
    assert np.array_equal(resumed.epidemic.bodies, whole.epidemic.bodies)
    assert np.array_equal(resumed.epidemic.vaccinated_on, whole.epidemic.vaccinated_on)
    assert resumed.measures == whole.measures
    for one, other in zip(later, told[13:], strict=True):
        assert one.number == other.number
        assert one.visits.equals(other.visits)
        assert one.cases.equals(other.cases)
        assert one.infections.equals(other.infections)
    assert whole.truth.num_rows > 500


def test_a_run_can_be_saved_on_every_day(city):
    run = start_run(city, busy(), EVERYTHING, seed=2, start=MONDAY)
    other = run
    for _ in range(6):
        run, _ = step(run)
        other, _ = step(load(save(other), city=city, disease=busy()))

    assert other.truth.equals(run.truth)
    assert np.array_equal(other.epidemic.bodies, run.epidemic.bodies)


def test_saving_is_the_same_bytes_for_the_same_state(city):
    one, two = (after(start_run(city, busy(), USUAL_RESPONSE, seed=1, start=MONDAY), 3)[0] for _ in range(2))

    assert save(one) == save(two)
    assert save(one) != save(step(one)[0])


def test_diseases_that_come_with_the_twin_are_found_by_their_name(city):
    disease = busy(45.0)
    run, _ = after(start_run(city, disease, seed=1, start=MONDAY), 2)

    assert load(save(run), city=city).disease == disease


def test_a_run_of_another_city_is_refused(city):
    saved = save(start_run(city, busy(), seed=1, start=MONDAY))

    for other in (build_city(4_000, seed=8), build_city(4_001, seed=7)):
        with pytest.raises(ValueError, match="another city"):
            load(saved, city=other)


def test_a_disease_that_nobody_knows_is_refused(city):
    saved = save(start_run(city, replace(busy(), name="Plague of Athens"), seed=1, start=MONDAY))

    with pytest.raises(ValueError, match="Plague of Athens, which is none of the diseases"):
        load(saved, city=city)


def test_another_format_is_refused(city):
    with np.load(io.BytesIO(save(start_run(city, busy(), seed=1, start=MONDAY)))) as arrays:
        content = dict(arrays)
    header = json.loads(str(content.pop("header"))) | {"format": 1}
    target = io.BytesIO()
    np.savez_compressed(target, header=np.array(json.dumps(header)), **content)

    with pytest.raises(ValueError, match=r"saved"):
        load(target.getvalue(), city=city)
