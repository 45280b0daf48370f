"""`make docs`: the reference pages from the declarations themselves. A test keeps them true."""

import json
import os
import sys
from dataclasses import MISSING, fields
from importlib import import_module
from importlib.util import find_spec
from inspect import getdoc
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def pages() -> dict[str, str]:
    """Each reference page's name and text."""
    return {
        "modules.md": _modules(),
        "extension-points.md": _extension_points(),
        "permissions.md": _permissions(),
        "settings.md": _settings(),
        "events.md": _events(),
        "rules.md": _rules(),
        "api.md": _api(),
        "engines.md": _engines(),
        "measures.md": _measures(),
        "diseases.md": _diseases(),
        "quality.md": _quality(),
        "exchange.md": _exchange(),
        "measured.md": _measured(),
    }


def _table(header: list[str], rows: list[list[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines
    )


def _first_line(thing: object) -> str:
    return (getdoc(thing) or "").split("\n")[0]


def _modules() -> str:
    from epipolis.core.modules import modules, packages, wing_of

    rows = [
        [wing_of(name), f"`{name}`", _first_line(import_module(f"{packages()[name]}.module")), ", ".join(_offers(module))]
        for name, module in modules().items()
    ]
    return "# Modules\n\nIn the order of the flow.\n\n" + _table(["wing", "module", "what for", "adds"], rows) + "\n"


def _offers(module: object) -> list[str]:
    names = ("menu", "tiles", "layers", "jobs", "tasks", "keeps", "loaders", "importers", "exporters", "intakes")
    return [f"{len(getattr(module, name))} {name}" for name in names if getattr(module, name)]


def _extension_points() -> str:
    from epipolis.core import modules as declared
    from epipolis.core.exports import Exporter
    from epipolis.core.imports import Importer
    from epipolis.core.intake import Intake

    kinds = [declared.Module, declared.Can, declared.Page, declared.Tile, declared.Layer, declared.Job, declared.Task]
    kinds += [declared.Keep, declared.Loader, Importer, Exporter, Intake]
    parts = [
        f"## {kind.__name__}\n\n{getdoc(kind)}\n\n"
        + _table(["field", "type"], [[f"`{f.name}`", f"`{f.type}`"] for f in fields(kind)])
        for kind in kinds
    ]
    return "# What a module may declare\n\n" + "\n\n".join(parts) + "\n"


def _permissions() -> str:
    from epipolis.core.roles import declared_permissions

    rows = [[f"`{name}`", can.text, ", ".join(can.roles)] for name, can in declared_permissions().items()]
    text = "# Permissions\n\nA permission reaches its roles when it first appears; what a city changes afterwards stays.\n\n"
    return text + _table(["permission", "allows", "roles from the start"], rows) + "\n"


def _settings() -> str:
    from epipolis.core.modules import packages

    rows = []
    for name, package in packages().items():
        if find_spec(f"{package}.settings"):
            source = (Path(import_module(f"{package}.settings").__file__)).read_text(encoding="utf-8")
            why = {line.split(":")[0].strip(): line.split("#", 1)[1].strip() for line in source.splitlines() if "#" in line}
            kind = import_module(f"{package}.settings").Settings
            rows += [[f"`EPIPOLIS_{name}_{f.name}`".upper(), f"`{f.default}`", why.get(f.name, "")] for f in fields(kind)]
    return "# Settings of modules\n\nEnvironment variables.\n\n" + _table(["variable", "default", "why"], rows) + "\n"


def _events() -> str:
    from epipolis.core.events import Event, listeners

    heard = {
        kind: ", ".join(f"`{one.__module__.removeprefix('epipolis.')}`" for one in ones) for kind, ones in listeners().items()
    }
    rows = [[f"`{k.__name__}`", _first_line(k), k.__module__.split(".")[-2], heard.get(k, "")] for k in Event.__subclasses__()]
    return "# Events\n\n" + _table(["event", "meaning", "announced by", "heard by"], sorted(rows)) + "\n"


def _rules() -> str:
    from epipolis.core import rules

    rows = [
        [f"`{p.name}`", p.jurisdiction, p.version, p.valid_from, " ".join(p.source.split())]
        for p in sorted(rules._shipped(), key=lambda p: (p.name, p.jurisdiction, p.valid_from))
    ]
    return "# Rule packs that ship\n\n" + _table(["rules", "jurisdiction", "version", "valid from", "source"], rows) + "\n"


def _api() -> str:
    path = ROOT / "tests" / "golden" / "openapi.json"
    if not path.exists():
        return "# API\n\n`/api/v1/docs` on a running platform.\n"
    found = json.loads(path.read_text(encoding="utf-8"))
    rows = [
        [method.upper(), f"`{address}`", operation.get("description") or operation.get("summary", "")]
        for address, methods in found["paths"].items()
        for method, operation in methods.items()
    ]
    return "# API\n\nLive and to try at `/api/v1/docs`.\n\n" + _table(["method", "address", "what"], rows) + "\n"


def _engines() -> str:
    parts = []
    for folder in sorted((ROOT / "src" / "epipolis" / "engines").glob("*/__init__.py")):
        engine = import_module(f"epipolis.engines.{folder.parent.name}")
        public = [f"### `{name}`\n\n```text\n{_words(getattr(engine, name))}\n```" for name in engine.__all__]
        parts.append(f"## engines.{folder.parent.name}\n\n```text\n{getdoc(engine)}\n```\n\n" + "\n\n".join(public))
    return "# Engines\n\n" + "\n\n".join(parts) + "\n"


def _words(thing: Any) -> str:
    """What a class or function says of itself; of a constant its value, since its type's words would say nothing."""
    if callable(thing):
        return getdoc(thing) or ""
    if hasattr(thing, "tolist"):
        thing = thing.tolist()
    many = isinstance(thing, list | tuple | dict)
    return ", ".join(getattr(one, "__name__", str(one)) for one in thing) if many else repr(thing)


def _measures() -> str:
    from epipolis.engines.twin.measures import MEASURES, Measure

    shared = {field.name for field in fields(Measure)}
    parts = ["# Measures\n\nWhat the twin knows a city to order, in Python and, by the same names, in YAML.\n"]
    parts.append(f"```text\n{getdoc(Measure)}\n```\n")
    for kind in MEASURES:
        own = [[f"`{field.name}`", f"`{_default(field)}`"] for field in fields(kind) if field.name not in shared]
        table = f"\n{_table(['field', 'default'], own)}\n" if own else ""
        parts.append(f"## `{kind.kind()}` · {kind.__name__}\n\n```text\n{getdoc(kind)}\n```\n{table}")
    return "\n".join(parts)


def _default(field: Any) -> object:
    if field.default_factory is not MISSING:
        return dict(field.default_factory())
    return "required" if field.default is MISSING else field.default


def _diseases() -> str:
    from epipolis.engines.twin import diseases, load_disease, traits

    parts = [
        "# Diseases\n\nWhat ships with the twin. *R* and the rest of the first line follow from the figures by theory,\n"
        "with the twin's usual contacts and a European age pyramid; every figure has its source.\n"
    ]
    for name in diseases():
        disease = load_disease(name)
        came_to = ", ".join(f"{what.replace('_', ' ')} {value:.3g}" for what, value in traits(disease).items())
        lines = [line.partition(": ") for line in disease.source.splitlines()]
        rows: list[list[object]] = [[f"`{field}`", source] for field, _, source in lines]
        parts.append(f"## `{name}` · {disease.name}\n\n{came_to}.\n\n{_table(['figure', 'source'], rows)}\n")
    return "\n".join(parts)


def _exchange() -> str:
    from epipolis.engines.messages import loss_table

    return loss_table()


def _quality() -> str:
    from epipolis.core.modules import modules, packages

    rows = []
    for name in modules():
        wing = packages()[name].split(".")[1]
        tests = ROOT / "tests" / wing / name
        files = {p.stem for p in (ROOT / "src" / "epipolis" / wing / name).iterdir()}
        marks = ["yes" if part in files else "–" for part in ("services", "queries", "api", "views", "rules", "events")]
        rows.append([f"`{name}`", *marks, len(list(tests.glob("test_*.py"))) if tests.is_dir() else 0])
    return (
        "# Modules at a glance\n\n"
        + _table(["module", "services", "queries", "API", "pages", "rules", "events", "test files"], rows)
        + "\n"
    )


def _measured() -> str:
    parts = []
    for path in sorted((ROOT / "benchmarks" / "results").glob("*.json")):
        rows = [
            [
                row["what"],
                _figure(row["ours"]),
                _figure(row["peer"]),
                row.get("peer_name", ""),
                row["unit"],
                _figure(row["ratio"]),
            ]
            for row in json.loads(path.read_text(encoding="utf-8"))["rows"]
        ]
        table = _table(["what", "epipolis", "peer", "which peer", "unit", "ratio"], rows)
        parts.append(f"## {path.stem}\n\n`make bench ONLY={path.stem}`\n\n{table}")
    head = (
        "# Measured\n\nMedians of several runs, ours and the peer in turn in one call, on two shared cores. Above 1 the ratio "
        "says that epipolis is ahead. Machines differ: run them on yours.\n\n"
    )
    return head + "\n\n".join(parts) + "\n"


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def set_up() -> None:
    """Make the platform's declarations readable, without touching a city's own database."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "epipolis.server.settings")
    django.setup()


if __name__ == "__main__":
    set_up()
    for name, text in pages().items():
        (ROOT / "docs" / "reference" / name).write_text(text, encoding="utf-8")
    sys.stdout.write("docs/reference is up to date\n")
