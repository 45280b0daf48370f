"""What became of a load: counts for each table, and each thing that is wrong, by file, feature and rule."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

_SHOWN = 100


class CityError(ValueError):
    """A city's files that break a rule. Nothing of them was stored; `report` lists every problem."""

    def __init__(self, report: "LoadReport") -> None:
        first = report.problems[0]
        more = f" (and {report.broken - 1} more problems)" if report.broken > 1 else ""
        super().__init__(f"{first['file']}: {first['feature']}: {first['field']}: {first['rule']}{more}; nothing was stored")
        self.report = report


class CellError(ValueError):
    """One cell that breaks a rule."""

    def __init__(self, field: str, rule: str, value: object = "") -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule, self.value = field, rule, value


@dataclass
class LoadReport:
    """How many rows of each table were created, changed or left as they were, with problems and warnings."""

    tables: dict[str, Counter[str]] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    broken: int = 0

    def refuse(self, file: str, feature: object, name: str, rule: str) -> None:
        self.broken += 1
        _note(self.problems, file, feature, name, rule)

    def warn(self, file: str, feature: object, name: str, rule: str) -> None:
        _note(self.warnings, file, feature, name, rule)

    def count(self, table: str, *, created: int = 0, changed: int = 0, unchanged: int = 0, removed: int = 0) -> None:
        row = self.tables.setdefault(table, Counter(created=0, changed=0, unchanged=0))
        row.update(created=created, changed=changed, unchanged=unchanged)
        if removed:
            row["removed"] += removed

    @property
    def has_changes(self) -> bool:
        return any(row["created"] or row["changed"] or row["removed"] for row in self.tables.values())

    def to_json(self) -> dict[str, Any]:
        return {table: dict(row) for table, row in self.tables.items()} | {"problems": self.problems, "warnings": self.warnings}


def _note(where: list[dict[str, str]], file: str, feature: object, name: str, rule: str) -> None:
    if len(where) < _SHOWN:
        where.append({"file": file, "feature": str(feature)[:100], "field": name, "rule": rule})
