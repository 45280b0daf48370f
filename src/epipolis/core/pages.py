"""Long lists in pieces: each answer carries a cursor to the next piece, which stays right while rows are added."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Field, Q, QuerySet

from epipolis.core.problems import ProblemError

_SALT = "epipolis.pages"
_MOST = 1_000


def page_of(
    queryset: QuerySet[Any], cursor: str | None, limit: int, key: str | Sequence[str] = ("known_at", "id")
) -> dict[str, Any]:
    """One piece of a list: {"items": at most `limit` rows, "next": the cursor of the piece after it, or None}.

    `key` names fields that are never empty and together tell every row apart; a leading minus turns a field's order
    round.

    Raises:
        ProblemError: 422, the cursor was not made here, or for a list in another order.
    """
    key = (key,) if isinstance(key, str) else key
    limit = max(1, min(limit, _MOST))
    found = queryset.order_by(*key)
    if cursor:
        found = found.filter(_after(key, _values(queryset, key, cursor)))
    rows = list(found[: limit + 1])
    is_more = len(rows) > limit
    return {"items": rows[:limit], "next": _cursor(key, rows[limit - 1]) if is_more else None}


def _cursor(key: Sequence[str], row: Any) -> str:
    values = [row[name.lstrip("-")] if isinstance(row, dict) else getattr(row, name.lstrip("-")) for name in key]
    texts = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return signing.dumps([list(key), texts], salt=_SALT, compress=True)


def _values(queryset: QuerySet[Any], key: Sequence[str], cursor: str) -> list[Any]:
    try:
        names, texts = signing.loads(cursor, salt=_SALT)
        if names != list(key):
            raise ValueError("the list is in another order")
        return [_field(queryset, name).to_python(text) for name, text in zip(key, texts, strict=True)]
    except (signing.BadSignature, ValidationError, ValueError, TypeError, UnicodeError) as error:
        raise ProblemError(422, "bad_cursor", "This is no cursor of this list.") from error


def _after(key: Sequence[str], values: list[Any]) -> Q:
    """Rows that come later: the first field differs the right way, or it is equal and the second does, and so on."""
    wanted, equal = Q(), Q()
    for name, value in zip(key, values, strict=True):
        field = name.lstrip("-")
        wanted |= equal & Q(**{f"{field}__{'lt' if name.startswith('-') else 'gt'}": value})
        equal &= Q(**{field: value})
    # PostgreSQL cannot use an index for alternatives, but it can for this bound, which all of them imply.
    first = key[0].lstrip("-")
    return Q(**{f"{first}__{'lte' if key[0].startswith('-') else 'gte'}": values[0]}) & wanted


def _field(queryset: QuerySet[Any], name: str) -> "Field[Any, Any]":
    """A column of the table, or a value that the list computes."""
    bare = name.lstrip("-")
    computed = queryset.query.annotations.get(bare)
    field: Any = computed.output_field if computed else queryset.model._meta.get_field(bare)
    return field  # type: ignore[no-any-return]  # -- Django's fields carry no types here
