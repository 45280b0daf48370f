"""An invented city for matching people, with known truth: households, twins, shared telephones, and records of the same
people written again by another office with everything that goes wrong.

    base, incoming, truth = city(seed=1, base=300_000, incoming=100_000, duplicates=0.05)

`truth` holds for each incoming row the row of the same person in the base, or -1.
"""

from dataclasses import dataclass, replace
from random import Random

import numpy as np
from _names import LANGUAGES, Written, family_words, first_writing, given_words, homophone, other_writing
from numpy.typing import NDArray

from epipolis.engines.linkage import Record

_STREETS_A = (
    "Harbour Garden Temple Market River North South East West Station Park Mill Church Bridge Lake Hill School Castle Spring "
    "Forest"
)
_STREETS_B = "Street Road Lane Avenue Square Way Row Walk Terrace Drive"
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {
    letter: [row[i] for i in (place - 1, place + 1) if 0 <= i < len(row)]
    for row in _KEYBOARD
    for place, letter in enumerate(row)
}


@dataclass(frozen=True, slots=True)
class Resident:
    """One person of the city as they are, and the record that the first office wrote."""

    name: Written
    record: Record


def city(
    seed: int, base: int, incoming: int, duplicates: float = 0.05, identified: float = 0.0
) -> tuple[list[Record], list[Record], NDArray[np.int64]]:
    """Give base, incoming and truth. New incoming people live in the households of the base as often as beside them.

    `duplicates`: share of the incoming that are in the base; `identified`: share of records with a national number.
    """
    rng = Random(seed)
    again = round(incoming * duplicates)
    residents = _residents(rng, base + incoming - again, identified)
    rng.shuffle(residents)
    known = residents[:base]
    rows = [(_with_gaps(rng, person.record), -1) for person in residents[base:]]
    for row in rng.sample(range(base), again):
        rows.append((written_again(rng, known[row]), row))
    rng.shuffle(rows)
    records = [_with_gaps(rng, person.record) for person in known]
    return records, [record for record, _ in rows], np.array([row for _, row in rows], np.int64)


def _residents(rng: Random, people: int, identified: float) -> list[Resident]:
    places = [f"Quarter {number}" for number in range(40)]
    streets = [
        f"{a}{b} {c}" for a in _STREETS_A.split() for b in ("", " Old", " New", "side", " Cross") for c in _STREETS_B.split()
    ]
    residents: list[Resident] = []
    while len(residents) < people:
        language = rng.choices(list(LANGUAGES), list(LANGUAGES.values()))[0]
        size = rng.choices((1, 2, 3, 4, 5, 6), (0.3, 0.28, 0.16, 0.15, 0.07, 0.04))[0]
        family, street = family_words(rng, language), rng.choice(streets)
        home = (f"{rng.randint(1, 150)} {street}", places[hash_of(street) % len(places)], _phone(rng))
        birth: tuple[int, int, int] | None = None
        called: set[tuple[str, ...]] = set()
        for member in range(size):
            is_twin = birth is not None and member > 2 and rng.random() < 0.05
            birth = birth if is_twin and birth else _birth(rng, is_child=member > 1)
            person = _resident(rng, language, family, home, birth, member, identified)
            if person.name.given[0] in {given[0] for given in called} and rng.random() < 0.98:  # few parents name two alike
                continue
            called.add(person.name.given)
            residents.append(person)
    return residents[:people]


def hash_of(text: str) -> int:
    """Give a number for a text, the same in every process."""
    return sum(ord(letter) * 31**place for place, letter in enumerate(text))


def _resident(
    rng: Random,
    language: str,
    family: tuple[str, ...],
    home: tuple[str, str, str],
    birth: tuple[int, int, int],
    member: int,
    identified: float,
) -> Resident:
    sex = rng.choice("FM")
    own = family_words(rng, language) if member == 1 and rng.random() < 0.5 else family
    name = Written(language, given_words(rng, language, sex), own)
    address, place, shared = home
    # Children and half of the elders give the telephone of the household.
    phone = shared if member == 0 or member > 1 or rng.random() < 0.4 else _phone(rng)
    given = " ".join(map(first_writing, name.given))
    email = f"{'.'.join(map(str, (hash_of(given) % 9973, hash_of(own[0]) % 997, rng.randint(1, 99))))}@post.example"
    numbers = (
        (("national_id", f"{rng.choice('ABCDEFGH')}{rng.randint(10**8, 10**9 - 1)}"),) if rng.random() < identified else ()
    )
    written = " ".join(map(first_writing, own))
    emails = (email,) if member < 2 and rng.random() < 0.5 else ()
    return Resident(name, Record(given, written, *birth, sex, (phone,), emails, address, place, numbers))


def _birth(rng: Random, *, is_child: bool) -> tuple[int, int, int]:
    year = rng.randint(2004, 2022) if is_child else round(rng.triangular(1930, 2004, 1978))
    return year, rng.randint(1, 12), rng.randint(1, 28)


def _phone(rng: Random) -> str:
    return f"09{rng.randint(10_000_000, 99_999_999)}"


def _with_gaps(rng: Random, record: Record) -> Record:
    """Leave out what offices often do not know."""
    changes: dict[str, object] = {}
    if rng.random() < 0.15:
        changes["phones"] = ()
    if rng.random() < 0.15:
        changes |= {"address": ""} | ({"neighbourhood": ""} if rng.random() < 0.5 else {})
    if rng.random() < 0.03:
        changes["sex"] = ""
    part = rng.random()
    if part < 0.02:
        changes |= {"birth_year": None, "birth_month": None, "birth_day": None}
    elif part < 0.05:
        changes |= {"birth_month": None, "birth_day": None}
    elif part < 0.06:
        changes |= {"birth_day": None}
    return replace(record, **changes)


def written_again(rng: Random, person: Resident) -> Record:
    """Write a person again, with none to four things otherwise than before."""
    record = _with_gaps(rng, person.record)
    errors = rng.choices((0, 1, 2, 3, 4), (0.15, 0.35, 0.3, 0.15, 0.05))[0]
    for error in rng.sample(list(ERRORS), errors):
        record = ERRORS[error](rng, person, record)
    return record


def typing_error(rng: Random, text: str) -> str:
    """Make one error of the kinds that typing makes; Chinese signs are mistaken for others of the same sound."""
    places = [place for place, letter in enumerate(text) if letter.isalnum()]
    if len(places) < 2:
        return text
    place = rng.choice(places)
    letter = text[place]
    if ord(letter) > 0x3000:
        return text[:place] + homophone(rng, letter) + text[place + 1 :]
    kind = rng.choice(("insert", "delete", "substitute", "transpose", "keyboard"))
    if kind == "transpose" and place + 1 < len(text):
        return text[:place] + text[place + 1] + letter + text[place + 2 :]
    if kind == "delete" and len(places) > 2:
        return text[:place] + text[place + 1 :]
    other = rng.choice(_BESIDE.get(letter.lower(), ["e"]) if kind == "keyboard" else "abcdefghijklmnopqrstuvwxyz")
    return text[:place] + other + text[place + (kind != "insert") :]


def _wrong_digit(rng: Random, text: str) -> str:
    place = rng.randrange(2, len(text))
    return text[:place] + str(rng.randint(0, 9)) + text[place + 1 :] if text else text


def _in_other_letters(rng: Random, person: Resident, record: Record) -> Record:
    given = " ".join(other_writing(rng, person.name.language, word) for word in person.name.given)
    return replace(
        record, given=given, family=" ".join(other_writing(rng, person.name.language, word) for word in person.name.family)
    )


def _parts_left_out(rng: Random, person: Resident, record: Record) -> Record:
    given, family = record.given.split(), record.family.split()
    if len(family) > 1:
        return replace(record, family=family[0])
    if len(given) > 1 and person.name.language != "zh":
        return replace(record, given=given[-1] if person.name.language == "vi" else given[0])
    return record


def _wrong_birth(rng: Random, person: Resident, record: Record) -> Record:
    year, month, day = record.birth_year, record.birth_month, record.birth_day
    kind = rng.random()
    if kind < 0.3 and month and day:
        return replace(record, birth_month=day if day <= 12 else month, birth_day=month if day <= 12 else day)
    if kind < 0.6 and day:
        return replace(record, birth_day=min(28, max(1, day + rng.choice((-10, -1, 1, 10)))))
    if kind < 0.8 and year:
        return replace(record, birth_year=year + rng.choice((-10, -1, 1, 10)))
    return replace(record, birth_year=year + rng.choice((-1, 0, 0)) if year else None, birth_month=None, birth_day=None)


ERRORS = {
    "typing error in the given name": lambda rng, person, record: replace(record, given=typing_error(rng, record.given)),
    "typing error in the family name": lambda rng, person, record: replace(record, family=typing_error(rng, record.family)),
    "names exchanged": lambda rng, person, record: replace(record, given=record.family, family=record.given),
    "other letters": _in_other_letters,
    "other letters still": _in_other_letters,
    "parts of the name left out": _parts_left_out,
    "wrong birth date": _wrong_birth,
    "part of the birth date": lambda rng, person, record: replace(record, birth_day=None, birth_month=None),
    "another telephone": lambda rng, person, record: replace(record, phones=(_phone(rng),)),
    "wrong digit": lambda rng, person, record: replace(
        record, phones=tuple(_wrong_digit(rng, phone) for phone in record.phones)
    ),
    "moved": lambda rng, person, record: replace(
        record, address=f"{rng.randint(1, 150)} Unknown Road", neighbourhood="Quarter 0"
    ),
    "address otherwise": lambda rng, person, record: replace(record, address=_otherwise(rng, record.address)),
    "no telephone": lambda rng, person, record: replace(record, phones=(), emails=()),
    "no address": lambda rng, person, record: replace(record, address="", neighbourhood=""),
    "unknown sex": lambda rng, person, record: replace(record, sex=""),
}


def _otherwise(rng: Random, address: str) -> str:
    number, _, street = address.partition(" ")
    return f"{typing_error(rng, street)} {number}" if street else address
