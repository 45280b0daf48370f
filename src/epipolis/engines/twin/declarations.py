"""Rules for the fields of a declaration, told by their types, and the check that names the field that breaks one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from math import isfinite
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Rule:
    """What a number must be. `low` itself is allowed unless `is_open`; `is_whole`: no fractions."""

    text: str
    low: float = float("-inf")
    high: float = float("inf")
    is_open: bool = False
    is_whole: bool = False

    def allows(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int if self.is_whole else (int, float)) or not isfinite(value):
            return False
        return (self.low < value if self.is_open else self.low <= value) and value <= self.high


Share = Annotated[float, Rule("lie between 0 and 1", 0, 1)]
Amount = Annotated[float, Rule("be 0 or more", 0)]
Positive = Annotated[float, Rule("be above 0", 0, is_open=True)]
Signed = Annotated[float, Rule("be a number")]
Day = Annotated[int, Rule("be a whole number of 0 or more", 0, is_whole=True)]
Count = Annotated[int, Rule("be a whole number of 1 or more", 1, is_whole=True)]
Whole = Annotated[int, Rule("be a whole number", is_whole=True)]
Hour = Annotated[float, Rule("be an hour from 0 to 24", 0, 24)]


def hints_of(kind: type[Any]) -> dict[str, Any]:
    """Types of the fields, with their rules."""
    hints = get_type_hints(kind, include_extras=True)
    names = [item.name for item in fields(kind)] if is_dataclass(kind) else list(getattr(kind, "_fields", ()))
    return {name: hints[name] for name in names}


def is_record(kind: object) -> bool:
    """Whether a type has named fields of its own: a dataclass or a named tuple."""
    return isinstance(kind, type) and (is_dataclass(kind) or hasattr(kind, "_fields"))


def without_none(kind: Any) -> Any:
    """The type beside None, if `kind` is a choice of the two, else `kind`."""
    if get_origin(kind) in (Union, UnionType):
        (kind,) = (item for item in get_args(kind) if item is not NoneType)
    return kind


def check_fields(owner: str, record: object) -> None:
    """ValueError with one sentence for the first field of `record` that breaks the rule of its type."""
    for sentence in _complaints(record, ""):
        raise ValueError(f"{owner}: {sentence}")


def check_value(name: str, value: object, kind: Any) -> Iterator[str]:
    """A sentence for each breach of the rule of type `kind` by `value`, which is called `name`."""
    if get_origin(kind) in (Union, UnionType):
        if value is not None:
            yield from check_value(name, value, without_none(kind))
        return
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(rule := getattr(kind, "__metadata__", (None,))[0], Rule):
        if not rule.allows(value):
            yield _sentence(name, value, rule.text)
    elif origin is Literal:
        if value not in arguments:
            yield _sentence(name, value, f"be one of {', '.join(arguments)}")
    elif origin is Mapping:
        yield from _check_mapping(name, value, arguments[1])
    elif origin is tuple:
        yield from _check_tuple(name, value, arguments)
    elif not isinstance(value, kind):
        yield _sentence(name, value, f"be {'a text' if kind is str else f'a {kind.__name__}'}")
    elif is_record(kind):
        yield from _complaints(value, f"{name}.")


def refuse(owner: str, name: str, value: object, rule: str) -> ValueError:
    """The sentence that names owner, field, value and rule."""
    return ValueError(f"{owner}: {_sentence(name, value, rule)}")


def _sentence(name: str, value: object, rule: str) -> str:
    return f"{name} is {value!r}, but must {rule}."


def _complaints(record: Any, prefix: str) -> Iterator[str]:
    for name, kind in hints_of(type(record)).items():
        yield from check_value(f"{prefix}{name}", getattr(record, name), kind)


def _check_mapping(name: str, value: object, kind: Any) -> Iterator[str]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        yield _sentence(name, value, "give a figure for each name")
        return
    for key, item in value.items():
        yield from check_value(f"{name} of {key}", item, kind)


def _check_tuple(name: str, value: object, arguments: tuple[Any, ...]) -> Iterator[str]:
    is_open = arguments[-1] is Ellipsis
    if not isinstance(value, tuple):
        yield _sentence(name, value, "be a tuple")
    elif not is_open and len(value) != len(arguments):
        yield f"{name} has {len(value)} figures, but must have {len(arguments)}."
    else:
        for number, item in enumerate(value):
            yield from check_value(_place(name, item, number), item, arguments[0 if is_open else number])


def _place(name: str, item: object, number: int) -> str:
    return f"{name} {item.name!r}" if hasattr(item, "name") else f"{name}[{number}]"
