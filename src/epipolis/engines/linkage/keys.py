"""Keys under which a record is found again: unlike ones, so that an error in any one field leaves another."""

from collections import Counter
from collections.abc import Iterable

from epipolis.engines.linkage.forms import normal_address, normal_email, normal_number, normal_phone
from epipolis.engines.linkage.names import Name, read_name, split_name
from epipolis.engines.linkage.records import Record

MOST_SHARING = 40  # records under one key: those of a common name and nothing else are more


def blocking_keys(record: Record) -> list[str]:
    """Give the keys of a record, each with a letter for its kind; two records are compared if they share one.

    Identifying number; telephone; e-mail; both names in any order, by their spelling (one for all romanisations) and by
    their sound, the latter also with the birth year; each name with the first letter of the other and the year, with the
    birth date (day and month in any order) and with the address.
    """
    first, last = (read_name(name) for name in split_name(record.given, record.family))
    names = sorted({name.key for name in (first, last) if name.key})
    year, day = record.birth_year, _day(record)
    keys = [f"i:{kind} {value}" for kind, text in record.identifiers if (value := normal_number(text))]
    keys += [f"p:{digits}" for phone in record.phones if (digits := normal_phone(phone))]
    keys += [f"e:{email}" for text in record.emails if (email := normal_email(text))]
    if first.key and last.key:
        sound = " ".join(names)
        keys += [f"w:{_spelling(first, last)}", f"n:{sound}"]
        letters = "".join(sorted((first.key[0], last.key[0])))
        keys += [f"y:{sound} {year}", *(f"h:{name} {letters} {year}" for name in names)] if year else []
    if year and day:
        keys += [f"b:{name} {year} {day}" for name in names]
    house, line = normal_address(record.address) if record.address else ("", "")
    keys += [f"a:{house} {line.replace(' ', '')} {name}" for name in names if line]
    return list(dict.fromkeys(keys))


def _spelling(first: Name, last: Name) -> str:
    return " ".join(sorted(name.mandarin or name.european for name in (first, last)))


def common_keys(keys: Iterable[str], most: int = MOST_SHARING) -> set[str]:
    """Give the keys that more than `most` of all listed have: they find too many to be of use."""
    return {key for key, count in Counter(keys).items() if count > most}


def _day(record: Record) -> str:
    """Give day and month in the order of their size, for offices write them in both."""
    if not record.birth_month or not record.birth_day:
        return ""
    return "{}-{}".format(*sorted((record.birth_month, record.birth_day)))
