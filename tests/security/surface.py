"""The whole surface of the platform, found by itself: every page and every operation of the API, with made-up arguments."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.urls import URLPattern, URLResolver, get_resolver

from epipolis.core.access import SIGNED_IN, Needs
from epipolis.core.api import make_api
from epipolis.core.modules import modules

API = "/api/v1/"
ARGUMENTS = {
    "int": "987654321",
    "slug": "nothing-here",
    "str": "nothing-here",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "path": "nothing/here",
}
BY_NAME = {"kind": "csv", "format": "csv"}  # arguments that are looked at before anything else
UNDECLARED = "undeclared"


@dataclass(frozen=True)
class Page:
    """A page: its address with arguments filled in, and the permission that it needs ("" everybody)."""

    name: str
    address: str
    needs: str
    view: Any
    converters: tuple[tuple[str, str], ...] = ()
    route: str = ""


@dataclass(frozen=True)
class Operation:
    """An operation of the API: its method and address, and the permission that it needs (None: no guard at all)."""

    method: str
    address: str
    needs: str | None
    path: str
    operation: Any


def pages() -> list[Page]:
    """Every URL pattern outside the API's operations; pages that serve several tables once for each of them."""
    found = []
    for route, pattern, converters in _walk(get_resolver().url_patterns):
        if route.startswith(API.lstrip("/")):
            continue
        needs = getattr(pattern.callback, "needs", UNDECLARED)
        page = Page(pattern.name or route, "/" + fill(route), needs, pattern.callback, converters, route)
        found += _each_table(page) or [page]
    return found


def operations() -> list[Operation]:
    """Every operation of every router."""
    found = []
    for bound in make_api()._get_bound_routers():
        for path, view in bound.path_operations.items():
            full = re.sub(r"/+", "/", f"{API}/{bound.prefix}/{path}")
            for operation in view.operations:
                guards = [guard.permission or SIGNED_IN for guard in operation.auth_callbacks if isinstance(guard, Needs)]
                for method in operation.methods:
                    found.append(Operation(method, fill_braces(full), guards[0] if guards else None, full, operation))
    return found


def fill(route: str, **given: str) -> str:
    """A Django route with its arguments filled in."""

    def value(match: re.Match[str]) -> str:
        kind, name = match[1] or "str", match[2]
        return given.get(name) or (BY_NAME.get(name) if kind in ("str", "slug") else None) or ARGUMENTS[kind]

    return re.sub(r"<(?:(\w+):)?(\w+)>", value, route)


def fill_braces(path: str, **given: str) -> str:
    """An API path with its arguments filled in; an argument named like an identifier gets a number or a UUID."""

    def value(match: re.Match[str]) -> str:
        kind, name = match[1] or "", match[2]
        return given.get(name) or BY_NAME.get(name) or ARGUMENTS.get(kind or "uuid", ARGUMENTS["uuid"])

    return re.sub(r"{(?:(\w+):)?(\w+)}", value, path)


def permitted(needs: str | None, has: set[str]) -> bool:
    """Whether somebody who is signed in with these permissions may pass."""
    return needs in ("", SIGNED_IN, None) or needs in has


def _each_table(page: Page) -> list[Page]:
    """Pages under `import/` and `export/` check the permission of the table that they are about."""
    tables = {"import": "importers", "export": "exporters", "export_page": "exporters"}.get(page.name)
    if tables is None or not page.route.startswith(("import/", "export/")):
        return []
    return [
        Page(f"{page.name} {table.name}", "/" + fill(page.route, name=table.name), table.needs, page.view, (), page.route)
        for module in modules().values()
        for table in getattr(module, tables)
    ]


def _walk(patterns: list[Any], before: str = "") -> Iterator[tuple[str, URLPattern, tuple[tuple[str, str], ...]]]:
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _walk(one.url_patterns, route)
        else:
            yield route, one, tuple((m[1], m[0] or "str") for m in re.findall(r"<(?:(\w+):)?(\w+)>", route))


def escaped(value: str) -> str:
    return quote(value, safe="")
