"""One pass over the whole city finds what tracing case by case finds, and what a plain comparison of all rows finds."""

import csv
import json
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import uuid4

import pytest

from epipolis.core import clock
from epipolis.core.imports import ImportOptions
from epipolis.core.work import silent
from epipolis.sense.cases.models import Case
from epipolis.sense.checkins.models import Visit
from epipolis.understand.tracing import queries, services
from epipolis.understand.tracing.models import Encounter

from .factories import NOW, case, day_visit, link, local, meeting, person, place, visit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


def everyone(**options):
    return queries.everyone(at=clock.now(), progress=silent(), **options)


def city_pairs(**options):
    columns = ("case", "contact", "place", "starts", "ends", "certain")
    rows = queries.pair_rows(everyone(**options).pairs)
    return {tuple(row[name] for name in columns) for row in rows}


def stored_pairs():
    ill = {one.person_id: one.source_key for one in Case.objects.filter(classification="confirmed").order_by("onset")}
    rows = Encounter.objects.filter(contact__gone=None).select_related("contact", "place")
    return {
        (
            str(row.contact.case_id),
            ill.get(row.contact.visitor, str(row.contact.visitor)),
            row.place.code,
            row.starts,
            row.ends,
            row.certain,
        )
        for row in rows
    }


def crowd(seed, *, shortest, longest):
    """People of whom some are ill, some twice, some with two phones, at few places on few days."""
    random = Random(seed)  # noqa: S311 -- a made-up crowd, no secret
    places = [place(kind=kind) for kind in ("shop", "food", "school")]
    people = [person() for _ in range(12)]
    phones = {one.id: [one.id] for one in people}
    for one in people[::3]:
        phone = uuid4()
        link(phone, one)
        phones[one.id].append(phone)
    for number, one in enumerate(people[:6]):
        case(one, onset=date(2021, 3, 6 + number), has_symptoms=[True, None, False][number % 3])
    case(people[0], onset=date(2021, 3, 17))
    case(people[1], onset=date(2021, 3, 30))
    case(people[7], classification="suspected")
    strangers = [[uuid4()] for _ in range(6)]
    for visitors in [*phones.values(), *strangers]:
        for _ in range(14):
            at = local(random.randint(1, 30), random.randint(6, 20), random.randint(0, 59), second=random.randint(0, 59))
            where, who = random.choice(places), random.choice(visitors)
            if Visit.objects.filter(visitor=who, arrived=at).exists():
                continue
            if random.random() < 0.2:
                if not Visit.objects.filter(visitor=who, arrived=local(at.day), place_id=where.id).exists():
                    day_visit(who, where, at.day)
            else:
                visit(who, where, at, random.uniform(shortest, longest))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("jurisdiction", ["WHO", "US", "DE"])
def test_the_city_in_one_pass_finds_what_each_case_finds(seed, jurisdiction, settings):
    settings.EPIPOLIS_JURISDICTION = jurisdiction
    crowd(seed, shortest=2, longest=40)
    for one in Case.objects.filter(classification="confirmed"):
        services.trace_case(one.id, by="test", at=NOW)

    found = city_pairs()

    assert found == stored_pairs()
    assert len(found) > 10


def test_a_city_without_cases_or_without_visits_has_no_pairs():
    assert (everyone().cases, everyone().pairs.num_rows) == (0, 0)
    case()
    assert (everyone().cases, everyone().contacts, everyone().pairs.num_rows) == (1, 0, 0)


def test_asked_minutes_stand_in_place_of_the_rules():
    meeting(10)

    assert everyone().pairs.num_rows == 0
    assert everyone(at_least=timedelta(minutes=10)).pairs.num_rows == 1
    assert everyone(at_least=timedelta(minutes=11)).pairs.num_rows == 0


def test_cases_before_the_asked_day_are_left_out():
    ill, _met, _where = meeting(confirmed=date(2021, 3, 12))

    assert everyone(since=date(2021, 3, 12)).cases == 1
    assert everyone(since=date(2021, 3, 13)).cases == 0
    assert everyone().pairs["case_number"].to_pylist() == [ill.source_key]


KOREA = datetime(2020, 7, 15, 3, tzinfo=UTC)


def read(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def plain_window(patient):
    """The infectious days by WHO's rule of 27 May 2020, worked out here once more by hand."""
    start = patient["symptom_onset_date"].strip() or patient["confirmed_date"]
    if not start:
        return None
    first = date.fromisoformat(start) - timedelta(days=2)
    last = first + timedelta(days=15)
    died = patient["deceased_date"] or "9999-01-01"
    return first, min(last, max(first, date.fromisoformat(died)))


def plain_pairs(patients, routes):
    """Every two patients at one place on one day within the infectious days of the first: all against all."""
    at = {}
    for row in routes:
        code = f"{row['type']}@{row['latitude']},{row['longitude']}"
        at.setdefault((code, date.fromisoformat(row["date"])), set()).add(row["patient_id"])
    found = set()
    for (code, day), there in at.items():
        for ill in there:
            window = plain_window(patients[ill])
            if window and window[0] <= day <= window[1]:
                found |= {(ill, other, code, day) for other in there if other != ill}
    return found, at


@pytest.fixture
def korea(shared_data):
    folder = shared_data / "korea_ds4c"
    with clock.fixed(KOREA):
        from epipolis.sense.cases import services as cases
        from epipolis.sense.checkins import services as checkins

        zone = clock.zone()
        options = {"by": "test", "at": KOREA}
        report = cases.import_cases(folder / "patient_info.csv", ImportOptions(mapping="korea_ds4c", **options))
        told = checkins.import_visits(folder / "patient_route.csv", ImportOptions(mapping="korea_ds4c_routes", **options))
        assert (report.accepted + report.rejected, told.accepted + told.rejected) == (3_360, 5_939)
        yield read(folder / "patient_info.csv"), read(folder / "patient_route.csv"), zone


def test_korea_in_one_pass_equals_a_comparison_of_all_rows(korea, record_property, capsys):
    rows, routes, zone = korea
    confirmed = dict(Case.objects.filter(classification="confirmed").values_list("source_key", "id"))
    patients = {row["patient_id"]: row for row in rows}

    expected, at = plain_pairs(patients, routes)
    expected = {pair for pair in expected if pair[0] in confirmed}
    result = everyone()
    found = {
        (row["case_number"], row["contact"], row["place"], row["starts"].astimezone(zone).date())
        for row in queries.pair_rows(result.pairs)
    }

    assert found == expected
    assert set(result.pairs["certain"].to_pylist()) == {False}
    links = recall(patients, at, found)
    record_property("recall", json.dumps(links))
    with capsys.disabled():
        print(f"\nkorea_ds4c: {result.cases} cases, {result.contacts} contacts, {len(found)} pair-days; links: {links}")
    assert links["found"] == links["covered"]
    assert links["covered"] > 0


def recall(patients, at, found):
    """Known infections whose two ends share a place and day: how many are found, and how many the window covers at all."""
    known = {
        (row["infected_by"].strip(), row["patient_id"]) for row in patients.values() if row["infected_by"].strip() in patients
    }
    shared = {}
    for (code, day), there in at.items():
        for infector, infected in known:
            if infector in there and infected in there:
                shared.setdefault((infector, infected), set()).add((code, day))
    covered = {
        link
        for link, meetings in shared.items()
        if (window := plain_window(patients[link[0]])) and any(window[0] <= day <= window[1] for _, day in meetings)
    }
    pairs = {(case, contact) for case, contact, _, _ in found}
    either = {link for link in shared if link in pairs or link[::-1] in pairs}
    return {
        "known": len(known),
        "share_a_place_and_day": len(shared),
        "covered": len(covered),
        "found": len(pairs & shared.keys()),
        "raw_recall": round(len(pairs & shared.keys()) / len(shared), 4),
        "found_in_either_direction": len(either),
    }
