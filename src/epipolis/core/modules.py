"""Modules: what a module plugs into the platform, and how the platform finds it.

This is the whole list of extension points. A module declares them in its `module.py`; adding a folder adds the module.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from epipolis.core.exports import Exporter
    from epipolis.core.imports import Importer
    from epipolis.core.intake import Intake

T = TypeVar("T")
WINGS = ("sense", "understand", "act", "share")
ROLES = ("tracer", "epidemiologist", "commander", "registrar", "operator", "auditor", "kiosk", "partner")
"""Every role is an ordinary group of accounts; a permission names the roles that have it from the start."""


@dataclass(frozen=True)
class Can:
    """A permission `module.verb`: what it allows, in words, and which roles have it from the start."""

    text: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """An entry in the menu under the module's wing; without an icon it has the module's."""

    title: str
    url: str
    needs: str
    icon: str = ""


@dataclass(frozen=True)
class Tile:
    """One figure or chart on the dashboard.

    `value(at)` returns a plain value or a dictionary for `template`; the tile shows its age, its definition and its source.
    """

    title: str
    value: Callable[..., Any]
    needs: str
    definition: str = ""
    source: str = ""
    template: str = "core/tiles/number.html"
    url: str = ""
    topics: tuple[str, ...] = ()  # live topics after which the tile is asked for again, beside its module's own name
    order: int = 50


@dataclass(frozen=True)
class Layer:
    """A layer that every map may show: a URL that answers GeoJSON, and the property that colours it."""

    name: str
    title: str
    url: str
    needs: str
    colour_by: str = ""
    kind: str = "fill"  # fill | line | circle


@dataclass(frozen=True)
class Job:
    """Work that the platform does by itself, by the platform's clock; safe to run twice."""

    run: Callable[..., Any]
    every: timedelta


@dataclass(frozen=True)
class Task:
    """Long work that a person may start, with its progress on the screen: `run(progress, **arguments) -> result`."""

    name: str
    title: str
    run: Callable[..., Any]
    needs: str


@dataclass(frozen=True)
class Keep:
    """How long one class of rows is kept: `forget(before, at)` erases older ones and returns how many."""

    name: str
    days: Callable[[], int]
    forget: Callable[..., int]
    why: str


@dataclass(frozen=True)
class Loader:
    """`epipolis load NAME PATH`: reference data of the city, not records of people."""

    name: str
    title: str
    run: Callable[..., Any]


@dataclass(frozen=True)
class Module:
    """Everything a module adds to the platform; all but the title is optional."""

    title: str
    icon: str = "square"
    api: str | None = None
    menu: tuple[Page, ...] = ()
    tiles: tuple[Tile, ...] = ()
    layers: tuple[Layer, ...] = ()
    jobs: tuple[Job, ...] = ()
    tasks: tuple[Task, ...] = ()
    keeps: tuple[Keep, ...] = ()
    loaders: tuple[Loader, ...] = ()
    importers: "tuple[Importer, ...]" = ()
    exporters: "tuple[Exporter, ...]" = ()
    intakes: "tuple[Intake, ...]" = ()
    permissions: Mapping[str, Can] = field(default_factory=dict)
    listens: Mapping[type, tuple[Callable[[Any], None], ...]] = field(default_factory=dict)


@cache
def packages() -> dict[str, str]:
    """Each module's name and package, in the order of the flow; others join by the entry point `epipolis.modules`."""
    found = {
        info.name: f"epipolis.{wing}.{info.name}"
        for wing in WINGS
        for info in iter_modules(import_module(f"epipolis.{wing}").__path__)
        if info.ispkg
    }
    return found | {entry.name: entry.value for entry in entry_points(group="epipolis.modules")}


def switched_off() -> frozenset[str]:
    """Modules that EPIPOLIS_WITHOUT names: their tables stay, everything that shows or runs goes."""
    names = frozenset(filter(None, os.environ.get("EPIPOLIS_WITHOUT", "").split(",")))
    if unknown := names - packages().keys():
        raise ValueError(f"EPIPOLIS_WITHOUT names modules that do not exist: {', '.join(sorted(unknown))}")
    return names


@cache
def modules() -> dict[str, Module]:
    """Each module that is switched on, by name, in the order of the flow."""
    off = switched_off()
    return {name: import_module(f"{package}.module").MODULE for name, package in packages().items() if name not in off}


def wing_of(name: str) -> str:
    """The wing in which a module lives; a module from outside belongs to `share`."""
    parts = packages()[name].split(".")
    return parts[1] if parts[0] == "epipolis" else "share"


def settings_from_env(name: str, settings: type[T]) -> T:
    """Fill a settings dataclass from EPIPOLIS_<NAME>_<FIELD> variables; a bad value stops the start with its name."""
    found: dict[str, Any] = {}
    for item in fields(settings):  # type: ignore[arg-type]  # -- fields() wants a dataclass, and T is one by contract
        key = f"EPIPOLIS_{name}_{item.name}".upper()
        if key in os.environ:
            try:
                kind: Any = type(item.default)
                found[item.name] = kind(os.environ[key])
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from error
    return settings(**found)
