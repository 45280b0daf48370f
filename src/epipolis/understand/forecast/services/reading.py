"""Cells of uploaded tables as values; each refusal says its rule."""

import math
from collections.abc import Mapping, Sequence
from datetime import date

from django.utils.translation import gettext_noop

from epipolis.core.imports import Row

_FIRST, _LAST = date(1900, 1, 1), date(2200, 1, 1)
_MOST = 1e12  # no count is larger; a slip of the keyboard is
NOT_A_DAY = gettext_noop("must be a day as 2026-03-31")
NOT_A_NUMBER = gettext_noop("must be a number")
BELOW_ZERO = gettext_noop("must not be below zero")
MISSING = gettext_noop("is missing")


class RefusedError(ValueError):
    """A cell that breaks a rule: the field, the rule and the value."""

    def __init__(self, field: str, rule: str, value: object = "") -> None:
        super().__init__(rule)
        self.field, self.rule, self.value = field, rule, value


def columns_of(columns: Sequence[str], names: Mapping[str, Sequence[str]], mapping: object) -> dict[str, str]:
    """Which column holds each field: as a given mapping (column → field) says, else by the usual names."""
    plain = {column.strip().casefold().replace(" ", "_"): column for column in columns}
    found = {field: plain[name] for field, usual in names.items() for name in reversed(usual) if name in plain}
    if isinstance(mapping, Mapping):
        found |= {str(field): str(column) for column, field in mapping.items() if column in columns and field in names}
    return found


def text(row: Row, columns: Mapping[str, str], field: str, *, longest: int, needed: bool = True) -> str:
    value = row.get(columns.get(field, ""), "").strip()
    if not value and needed:
        raise RefusedError(field, MISSING)
    if len(value) > longest:
        raise RefusedError(field, gettext_noop("is too long"), value)
    return value


def day(row: Row, columns: Mapping[str, str], field: str, *, needed: bool = True) -> date | None:
    value = text(row, columns, field, longest=40, needed=needed)
    if not value:
        return None
    try:
        found = date.fromisoformat(value[:10])
    except ValueError as error:
        raise RefusedError(field, NOT_A_DAY, value) from error
    if not _FIRST <= found <= _LAST or value[10:11] not in ("", "T", " "):
        raise RefusedError(field, NOT_A_DAY, value)
    return found


def number(row: Row, columns: Mapping[str, str], field: str, *, needed: bool = True) -> float | None:
    """A finite number that is not below zero; empty, and the usual signs for it, are nothing."""
    value = text(row, columns, field, longest=40, needed=needed)
    if not value or (not needed and value.casefold() in ("na", "nan", "null", "-", "–")):
        return None
    try:
        found = float(value)
    except ValueError as error:
        raise RefusedError(field, NOT_A_NUMBER, value) from error
    if not math.isfinite(found):
        raise RefusedError(field, NOT_A_NUMBER, value)
    if found < 0:
        raise RefusedError(field, BELOW_ZERO, value)
    if found > _MOST:
        raise RefusedError(field, gettext_noop("is larger than any count"), value)
    return found
