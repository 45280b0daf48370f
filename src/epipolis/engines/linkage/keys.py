"""Keys under which a record is found again: unlike ones, so that an error in any one field leaves another."""

from collections import Counter
from collections.abc import Iterable

from epipolis.engines.linkage.forms import normal_address, normal_email, normal_number, normal_phone
from epipolis.engines.linkage.names import read_name, split_name
from epipolis.engines.linkage.records import Record

MOST_SHARING = 60  # records under one key: those of a common name and nothing else are more


def blocking_keys(record: Record) -> list[str]:
    """Give the keys of a record, each with a letter for its kind; two records are compared if they share one.

    Identifying number; telephone; e-mail; the phonetic keys of both names in any order, alone, with the birth year
    and with the day; one name with the birth date (day and month in any order); their first letters with it;
    address with a name.
    """
    given, family = split_name(record.given, record.family)
    names = sorted({key for key in (read_name(given).key, read_name(family).key) if key})
    both = " ".join(names) if given and family and names else ""
    initials = "".join(sorted(read_name(name).key[:1] for name in (given, family)))
    keys = [f"i:{kind} {value}" for kind, text in record.identifiers if (value := normal_number(text))]
    keys += [f"p:{digits}" for phone in record.phones if (digits := normal_phone(phone))]
    keys += [f"e:{email}" for text in record.emails if (email := normal_email(text))]
    year, day = record.birth_year, _day(record)
    if both:
        keys.append(f"n:{both}")
        keys += [f"y:{both} {year}"] if year else []
        keys += [f"m:{both} {day}"] if day else []
    if year and day:
        keys += [f"b:{name} {year} {day}" for name in names]
        keys += [f"j:{initials} {year} {day}"] if len(initials) == 2 else []
    house, line = normal_address(record.address) if record.address else ("", "")
    keys += [f"a:{house} {line.replace(' ', '')} {name}" for name in names if line]
    return list(dict.fromkeys(keys))


def common_keys(keys: Iterable[str], most: int = MOST_SHARING) -> set[str]:
    """Give the keys that more than `most` of all listed have: they find too many to be of use."""
    return {key for key, count in Counter(keys).items() if count > most}


def _day(record: Record) -> str:
    """Give day and month in the order of their size, for offices write them in both."""
    if not record.birth_month or not record.birth_day:
        return ""
    return "{}-{}".format(*sorted((record.birth_month, record.birth_day)))
