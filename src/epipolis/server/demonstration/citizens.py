"""Citizens who declare each day how they are: most without a name, some of the ill ask for a call or for help at home."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import numpy as np

from epipolis.engines import twin
from epipolis.engines.twin import city_files
from epipolis.sense.city import queries as areas
from epipolis.sense.city.models import District
from epipolis.sense.declarations.services import Answers, start_and_declare
from epipolis.sense.people.services import PersonRow

SHARE = 0.001
"""Share of the city that declares on a day."""
_MOST = 40
_HAS_A_COLD = 0.15  # of those who declare
_ASKS = 0.2  # of people who were reported ill that day: they ask for a call
_NEEDS_HELP = 0.4  # of those who ask
_NUMBERS = UUID("6a2a4f4e-0b51-5f5e-8f1d-0c3a3a0f7b21")
_COLDS = (
    {"runny_nose": "yes", "sore_throat": "yes"},
    {"cough": "yes"},
    {"headache": "yes", "fatigue": "yes"},
    {"fever": "yes", "cough": "yes", "fatigue": "yes"},
)
_ASKED = (
    *("fever", "cough", "dyspnoea", "anosmia", "sore_throat", "runny_nose"),
    *("fatigue", "headache", "myalgia", "diarrhoea", "altered_mental_status"),
)
_FEVER, _NO_FEVER = Decimal("38.2"), Decimal("36.6")
_HELP = (("food",), ("medicine",), ("food", "medicine"), ("talk",))


def declare(city: twin.City, cases: Iterable[Mapping[str, Any]], *, day: date, seed: int, at: datetime) -> int:
    """What citizens declare on a day; the same day again changes nothing. Returns how many declared."""
    random = np.random.default_rng((seed, day.toordinal(), 17))
    homes = {one.code: one.district for one in areas.neighbourhoods()}
    people = city.people
    ill = [case["person"] for case in cases if case["symptoms"] and random.random() < _ASKS][: _MOST // 2]
    wanted = min(max(round(SHARE * people.num_rows), 5), _MOST)
    others = [person for person in random.integers(0, people.num_rows, wanted).tolist() if person not in ill]
    for person in others:
        has_cold = random.random() < _HAS_A_COLD
        symptoms = _COLDS[int(random.integers(len(_COLDS)))] if has_cold else {}
        _declare(city, person, symptoms, homes, day=day, at=at)
    for person in ill:
        needs = _HELP[int(random.integers(len(_HELP)))] if random.random() < _NEEDS_HELP else ()
        _declare(city, person, _COLDS[3], homes, day=day, at=at, needs=needs, is_named=True)
    return len(others) + len(ill)


def _declare(
    city: twin.City,
    person: int,
    symptoms: Mapping[str, str],
    homes: Mapping[str, District],
    *,
    day: date,
    at: datetime,
    needs: tuple[str, ...] = (),
    is_named: bool = False,
) -> None:
    [row] = city.people.slice(person, 1).to_pylist()
    named: dict[str, Any] = {}
    if is_named:
        number = [("national_id", city_files.national_id(person))]
        named = {
            "row": PersonRow(identifiers=number, simulated=True),
            "purposes": ("care", "aid") if needs else ("care",),
            "needs": needs,
        }
    start_and_declare(
        Answers(
            {name: symptoms.get(name, "no") for name in _ASKED},
            {"contact_of_case": "no"},
            day if symptoms else None,
            _FEVER if "fever" in symptoms else _NO_FEVER,
        ),
        channel="web",
        by="demonstration",
        at=at,
        district=homes.get(row["neighbourhood"]),
        language=row["language"] or "",
        client_id=uuid5(_NUMBERS, f"{day}-{person}"),
        simulated=True,
        **named,
    )
