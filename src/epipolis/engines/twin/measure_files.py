"""Measures as YAML that a city officer reads and writes: a list with one line for each measure."""

from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from epipolis.engines.twin.declaration_files import complaint, entries_of, open_text, plain_record, read_record, write_plain
from epipolis.engines.twin.measures import MEASURES, Measure

ALIASES = {"from": "first_day", "until": "last_day", "when": "trigger"}
KINDS = {kind.kind(): kind for kind in MEASURES}


def read_measures(text: str) -> tuple[Measure, ...]:
    """Measures from a list such as

        - isolate_cases
        - masks: {from: 24, until: 60, effect: 0.5, compliance: 0.7, compliance_by_age: {"0-17": 0.4}, layers: [place]}
        - close_places: {places: [bar, cinema], when: {what: cases, above: 50}}

    ValueError with line and sentence on unknown names, wrong kinds and figures out of range.
    """
    root = open_text(text)
    if root is None:
        return ()
    if not isinstance(root, SequenceNode):
        raise complaint(root, "Measures are a list: each begins with a dash, as in '- masks: {effect: 0.5}'.")
    return tuple(_read_measure(item) for item in root.value)


def _read_measure(node: Node) -> Measure:
    if isinstance(node, ScalarNode):
        nothing = MappingNode("", [], node.start_mark, node.end_mark)
        return read_record(nothing, _kind_of(node), node.value, ALIASES)
    entries = entries_of(node, "measures") if isinstance(node, MappingNode) else {}
    if len(entries) != 1:
        raise complaint(node, "Each dash holds one measure, as in '- masks: {effect: 0.5}'.")
    ((key, fields),) = entries.values()
    kind = _kind_of(key)
    return read_record(fields, kind, kind.kind(), ALIASES)


def _kind_of(node: Node) -> type[Measure]:
    if node.value not in KINDS:
        raise complaint(node, f"No measure is called {node.value!r}; choose from {', '.join(KINDS)}.")
    return KINDS[node.value]


def write_measures(measures: tuple[Measure, ...]) -> str:
    """The YAML from which `read_measures` makes equal measures; fields at their defaults are left out."""
    plain: list[str | dict[str, Any]] = []
    for measure in measures:
        fields = plain_record(measure, ALIASES)
        plain.append({measure.kind(): fields} if fields else measure.kind())
    return write_plain(plain)
