"""Declarations as YAML: short to write, and every mistake told with its line."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, Literal, TypeVar, cast, get_args, get_origin

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from epipolis.engines.twin.declarations import check_value, hints_of, is_record, without_none

Record = TypeVar("Record")


def open_text(text: str) -> Node | None:
    """The root of a YAML text (None: it is empty); ValueError with the line if it is not YAML."""
    try:
        return cast("Node | None", yaml.compose(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ValueError(f"Line {line}: this is not valid YAML, {error.problem or error.context}.") from error
    except yaml.YAMLError as error:
        raise ValueError("This is not a text: it holds characters that YAML does not allow.") from error


def complaint(node: Node, sentence: str) -> ValueError:
    """`sentence` with the line it is about."""
    return ValueError(f"Line {node.start_mark.line + 1}: {sentence}")


def entries_of(node: Node, owner: str) -> dict[str, tuple[Node, Node]]:
    """Key and value nodes of a mapping by key; ValueError if it is none or a key stands twice."""
    if is_empty(node):
        return {}
    if not isinstance(node, MappingNode):
        raise complaint(node, f"{owner}: here a list of 'name: value' is due, not {text_of(node)}.")
    entries: dict[str, tuple[Node, Node]] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            raise complaint(key, f"{owner}: a name is due before the colon.")
        if key.value in entries:
            raise complaint(key, f"{owner}: {key.value} stands here twice.")
        entries[key.value] = (key, value)
    return entries


def text_of(node: Node) -> str:
    """What stands there, for a sentence about it."""
    return (
        repr(node.value)
        if isinstance(node, ScalarNode)
        else "a list"
        if isinstance(node, SequenceNode)
        else "a group of fields"
    )


def is_empty(node: Node) -> bool:
    """Whether nothing stands after the colon."""
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def read_record(node: Node, kind: type[Record], owner: str, aliases: Mapping[str, str] | None = None) -> Record:
    """The declaration of type `kind` that `node` describes.

    `owner`: what it is called in complaints. `aliases`: fields by the shorter names they also go by. ValueError with
    line and sentence on unknown names, wrong kinds, missing fields and figures out of range.
    """
    aliases = aliases or {}
    hints = hints_of(kind)
    values: dict[str, Any] = {}
    for name, (key, value) in entries_of(node, owner).items():
        field = aliases.get(name, name)
        if field not in hints:
            known = [alias_of(item, aliases) for item in hints]
            raise complaint(key, f"{owner}: {name} is not known here; what may stand here: {', '.join(known)}.")
        if field in values:
            raise complaint(
                key,
                f"{owner}: {name} and {alias_of(field, aliases) if name == field else field} are the same; give one of them.",
            )
        values[field] = _read_value(value, hints[field], f"{owner}: {name}")
        for sentence in check_value(name, values[field], hints[field]):
            raise complaint(value, f"{owner}: {sentence}")
    missing = [alias_of(name, aliases) for name in needed(kind) if name not in values]
    if missing:
        raise complaint(node, f"{owner}: {', '.join(missing)} missing.")
    try:
        return kind(**values)
    except ValueError as error:
        raise complaint(node, str(error)) from error


def alias_of(field: str, aliases: Mapping[str, str]) -> str:
    """The shorter name of a field, if it has one."""
    return next((alias for alias, name in aliases.items() if name == field), field)


def needed(kind: type[Any]) -> list[str]:
    """Fields without a default."""
    if not is_dataclass(kind):
        return [name for name in hints_of(kind) if name not in getattr(kind, "_field_defaults", {})]
    return [item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING]


def _read_value(node: Node, kind: Any, name: str) -> Any:
    if without_none(kind) is not kind:
        return None if is_empty(node) else _read_value(node, without_none(kind), name)
    if get_origin(kind) is Annotated:
        return _read_value(node, get_args(kind)[0], name)
    if get_origin(kind) is Mapping:
        return {
            key: _read_value(value, get_args(kind)[1], f"{name} of {key}") for key, (_, value) in entries_of(node, name).items()
        }
    if get_origin(kind) is tuple:
        return _read_tuple(node, get_args(kind), name)
    if is_record(kind):
        return read_record(node, kind, name)
    if not isinstance(node, ScalarNode):
        raise complaint(node, f"{name}: one value is due, not {text_of(node)}.")
    return _read_scalar(node, kind, name)


def _read_tuple(node: Node, kinds: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    if is_empty(node):
        return ()
    items = node.value if isinstance(node, SequenceNode) else [node]
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(items)
    if len(kinds) != len(items):
        raise complaint(node, f"{name} has {len(items)} figures, but must have {len(kinds)}.")
    return tuple(_read_value(item, kind, name) for item, kind in zip(items, kinds, strict=True))


def _read_scalar(node: ScalarNode, kind: Any, name: str) -> Any:
    if kind is str or get_origin(kind) is Literal:
        return node.value
    try:
        return kind(node.value)
    except ValueError as error:
        due = "a whole number" if kind is int else "a number"
        raise complaint(node, f"{name} is {node.value!r}, but must be {due}.") from error


def plain_record(record: Any, aliases: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Fields of a declaration that differ from their defaults, as plain values for YAML."""
    plain = {}
    for item in fields(record):
        value = getattr(record, item.name)
        default = item.default if item.default_factory is MISSING else item.default_factory()
        if value != default:
            plain[alias_of(item.name, aliases or {})] = _plain_value(value)
    return plain


def _plain_value(value: Any) -> Any:
    if is_dataclass(value):
        return plain_record(value)
    if isinstance(value, Mapping):
        return {key: _plain_value(item) for key, item in value.items()}
    return [_plain_value(item) for item in value] if isinstance(value, tuple) else value


class _Dumper(yaml.SafeDumper):
    """Quotes texts with rare line ends, which come back as spaces otherwise."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if _RARE_LINE_ENDS & set(text) else None)


_RARE_LINE_ENDS = frozenset("\x85\u2028\u2029")
_Dumper.add_representer(str, _quoted)


def write_plain(values: object) -> str:
    """YAML text with one short line for each declaration where it fits."""
    text: str = yaml.dump(values, Dumper=_Dumper, default_flow_style=None, sort_keys=False, allow_unicode=True, width=120)
    return text
