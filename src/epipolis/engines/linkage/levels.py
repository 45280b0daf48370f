"""How far two records agree in one field: the fields, and what each level of each is called."""

from typing import Final

MISSING: Final = -1  # one side or both do not say: no evidence

LEVELS: Final[dict[str, tuple[str, ...]]] = {
    "given": ("different", "similar", "part", "near", "other spelling", "same, common", "same"),
    "family": ("different", "similar", "part", "near", "other spelling", "same, common", "same"),
    "order": ("swapped", "as written"),
    "birth": ("different", "close", "part", "near", "same"),
    "sex": ("different", "same"),
    "phone": ("different", "near", "same"),
    "email": ("different", "same"),
    "address": ("different", "near", "same"),
    "neighbourhood": ("different", "same"),
    "identifier": ("different", "near", "same"),
}
FIELDS: Final = tuple(LEVELS)
SCORED: Final = tuple(field for field in FIELDS if field != "identifier")  # a number decides by rule, see bands

DIFFERENT: Final = 0
SIMILAR: Final = 1  # a name that shares a word or sounds alike, or two errors
PART: Final = 2  # a name of which one side has left out words, or an initial
NEAR: Final = 3  # one typing error
SPELLING: Final = 4  # another spelling or script of the same name
COMMON: Final = 5
SAME: Final = 6
CLOSE_BIRTH: Final = 1  # the year, or the next to it, and no more; an age gives no better
PART_BIRTH: Final = 2  # what both say is the same, but one lacks a part
NEAR_BIRTH: Final = 3  # one wrong digit, or day and month swapped
SAME_BIRTH: Final = 4
NEAR_POINT: Final = 1  # one digit of a number, or another house of the street
SAME_POINT: Final = 2


def level_name(field: str, level: int) -> str:
    """Give the word for a level of a field; "" for one that has no evidence."""
    return "" if level == MISSING else LEVELS[field][level]
