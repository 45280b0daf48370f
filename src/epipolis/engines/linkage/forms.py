"""Records read once into rows of numbers, so that a pair of them is compared in about a microsecond."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epipolis.engines.linkage.frequencies import Frequencies
from epipolis.engines.linkage.names import Name, fold, latin, read_name, split_name
from epipolis.engines.linkage.records import Record, records_of

LETTERS: Final = 24  # of a name or number that are compared
TOKENS: Final = 4
NUMBERS: Final = 4

# Where each value stands in a row of whole numbers.
NAME: Final = 11  # values of one name: its tokens, then the seven below
(SIZE, EUROPEAN, MANDARIN, KEY, CONSONANTS, BARE, FREQUENT) = range(TOKENS, TOKENS + 7)
FAMILY: Final = NAME
YEAR, MONTH, DAY, SEX = range(2 * NAME, 2 * NAME + 4)
PHONES, EMAILS = DAY + 2, DAY + 5  # three telephones, two addresses
HOUSE, STREET, PLACE = EMAILS + 2, EMAILS + 3, EMAILS + 5  # the street takes two values
KINDS, LENGTHS = PLACE + 1, PLACE + 1 + NUMBERS
WIDTH: Final = LENGTHS + NUMBERS
BYTES: Final = (2 + NUMBERS) * LETTERS

_ROW = Struct(f"<{WIDTH}q")
_SEXES = {"F": 1, "M": 2}
_DIGITS = re.compile(r"\D+")
_NUMBERS = re.compile(r"\d+")
_SHORTEST_PHONE = 5
_PHONE_DIGITS = 9  # country code and leading zero are written or not
_STREET_WORDS = re.compile(r"\b(?:street|strasse|straße|str|st|road|rd|avenue|ave|av|calle|c|lane|no|nr)\b")


@dataclass(frozen=True, eq=False)
class Forms:
    """Records made ready: `values` int64 [records, WIDTH] and `letters` uint8 [records, BYTES].

    They hold for this process only, and for comparing with forms made with the same frequencies.
    """

    values: NDArray[np.int64]
    letters: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.values)


def read(records: Iterable[Record] | pa.Table, frequencies: Frequencies | None = None) -> Forms:
    """Read records, or the rows of a table of SCHEMA. Names that `frequencies` calls common weigh less."""
    rows = records_of(records) if isinstance(records, pa.Table) else records
    common = frequencies.common if frequencies is not None else frozenset()
    values, letters = bytearray(), bytearray()
    for record in rows:
        row, text = _row(record, common)
        values += row
        letters += text
    return Forms(np.frombuffer(values, np.int64).reshape(-1, WIDTH), np.frombuffer(letters, np.uint8).reshape(-1, BYTES))


def normal_phone(phone: str) -> str:
    """Give the last nine digits of a telephone number, "" if it has fewer than five."""
    digits = _DIGITS.sub("", phone)[-_PHONE_DIGITS:]
    return digits if len(digits) >= _SHORTEST_PHONE else ""


def normal_email(email: str) -> str:
    """Give an e-mail address without case and outer spaces."""
    return email.strip().casefold()


def normal_number(value: str) -> str:
    """Give an identifying number without spaces, punctuation and case."""
    return fold(value).replace(" ", "").replace("_", "")


@lru_cache(50_000)
def normal_address(address: str) -> tuple[str, str]:
    """Give the numbers of an address in order, and its words in one Latin line."""
    text = latin(_NUMBERS.sub(lambda number: f" {number.group()} ", address))
    numbers = " ".join(
        str(int(number)) if number.isdecimal() and len(number) < 10 else number for number in _NUMBERS.findall(text)
    )
    return numbers, " ".join(_STREET_WORDS.sub(" ", _NUMBERS.sub(" ", text)).split())


def _row(record: Record, common: frozenset[str]) -> tuple[bytes, bytes]:
    given, family = split_name(record.given, record.family)
    first, last = read_name(given), read_name(family)
    phones = [int(digits) + 1 for phone in record.phones if (digits := normal_phone(phone))][:3]
    emails = [_mark(normal_email(email)) for email in record.emails][:2]
    house, line = normal_address(record.address) if record.address else ("", "")
    numbers = [(kind, value) for kind, text in record.identifiers if (value := normal_number(text))][:NUMBERS]
    texts = [_ascii(value) for _, value in numbers]
    row = _ROW.pack(
        *_name(first, first.whole in common),
        *_name(last, last.whole in common),
        *_birth(record),
        _SEXES.get(record.sex, 0),
        *phones, *(0,) * (3 - len(phones)),
        *emails, *(0,) * (2 - len(emails)),
        _mark(house),
        *_street(line),
        _mark(record.neighbourhood.strip()),
        *(_mark(kind) for kind, _ in numbers), *(0,) * (NUMBERS - len(numbers)),
        *map(len, texts), *(0,) * (NUMBERS - len(numbers)),
    )  # fmt: skip  # one line for one field
    text = b"".join(part.ljust(LETTERS, b"\0") for part in (_ascii(first.whole), _ascii(last.whole), *texts))
    return row, text.ljust(BYTES, b"\0")


@lru_cache(100_000)
def _name(name: Name, is_common: bool) -> tuple[int, ...]:
    tokens = [_mark(token) for token in dict.fromkeys(name.tokens)][:TOKENS]
    return (
        *tokens,
        *(0,) * (TOKENS - len(tokens)),
        min(len(_ascii(name.whole)), LETTERS),
        _mark(name.european),
        _mark(name.mandarin),
        _mark(name.key),
        _mark(name.consonants),
        int(name.is_bare),
        int(is_common),
    )


def _birth(record: Record) -> tuple[int, int, int]:
    return record.birth_year or 0, record.birth_month or 0, record.birth_day or 0


@lru_cache(50_000)
def _street(line: str) -> tuple[int, int]:
    """Give the pairs of letters of a street as 126 flags in two numbers: streets spelled alike share most flags."""
    flags = 0
    for first, second in zip(f" {line}", f"{line} ", strict=True) if line else ():
        flags |= 1 << ((ord(first) * 31 + ord(second)) * 0x9E3779B1 >> 9) % 126
    return flags & (1 << 63) - 1, flags >> 63


@lru_cache(200_000)
def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace")[:LETTERS]


def _mark(text: str) -> int:
    """Give a number for a text: equal for equal texts within this process, 0 for none."""
    return (hash(text) or 1) if text else 0
