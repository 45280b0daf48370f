"""Nothing that anybody sends makes the platform fail: every operation and page answers bad values with a refusal."""

import inspect
import re
from itertools import cycle
from typing import Any

import pytest
from django import forms

from epipolis.core.api import make_api
from tests.security.bad_values import ALONE, BODIES, IN_ADDRESSES, IN_PAGES, KINDS, as_json, example, spoiled
from tests.security.surface import ARGUMENTS, escaped, fill, fill_braces, operations, pages

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("everything_is_known")]
_MOST_SHOWN = 20


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return dict(make_api().get_openapi_schema(path_prefix="/api/v1/"))


def _description(one: Any, described: dict[str, Any]) -> dict[str, Any]:
    path = re.sub(r"{\w+:", "{", one.path)
    return described["paths"].get(path, {}).get(one.method.lower(), {})


def _fails(answer: Any) -> bool:
    return answer.status_code >= 500


def _grouped(found: list[Any], name: Any) -> list[Any]:
    """One test a module: making the accounts takes longer than many requests."""
    groups: dict[str, list[Any]] = {}
    for one in found:
        groups.setdefault(name(one), []).append(one)
    return [pytest.param(several, id=key) for key, several in groups.items()]


OPERATIONS = _grouped(operations(), lambda one: one.path.split("/")[3])
PAGES = _grouped(list({page.view: page for page in pages()}.values()), lambda page: page.route.split("/")[0] or "home")


@pytest.mark.parametrize("several", OPERATIONS)
def test_operations_refuse_bad_bodies(several, ask, described):
    wrong = []

    for one in several:
        body = _description(one, described).get("requestBody", {}).get("content", {}).get("application/json")
        if body is None:
            continue
        good = example(body["schema"], described.get("components", {}).get("schemas", {}))
        sent = [(as_json(bad), "application/json") for bad in spoiled(good)]
        sent += [(bad, "application/json") for bad in BODIES]
        sent += [(as_json(good), kind) for kind in KINDS]
        for content, kind in sent:
            answer = ask("everything", one.method, one.address, content, content_type=kind)
            if _fails(answer):
                wrong.append((one.path, answer.status_code, kind, content[:200]))

    assert not wrong, (len(wrong), wrong[:_MOST_SHOWN])


@pytest.mark.parametrize("several", OPERATIONS)
def test_operations_refuse_bad_parameters(several, ask, described):
    wrong = []

    for one in several:
        found = _description(one, described).get("parameters", [])
        body = _description(one, described).get("requestBody", {}).get("content", {}).get("application/json")
        content = as_json(example(body["schema"], described.get("components", {}).get("schemas", {}))) if body else b""
        for parameter in found:
            for bad in IN_ADDRESSES:
                address, headers = one.address, {}
                try:
                    if parameter["in"] == "path":
                        address = fill_braces(one.path, **{parameter["name"]: escaped(bad) or "%00"})
                    elif parameter["in"] == "query":
                        address = f"{address}?{escaped(parameter['name'])}={escaped(bad)}"
                    elif parameter["in"] == "header":
                        headers = {parameter["name"]: bad.encode("utf-8", "replace").decode("latin-1")[:9_000]}
                except UnicodeEncodeError:  # no client can write a lone surrogate into an address
                    continue
                answer = ask("everything", one.method, address, content, content_type="application/json", headers=headers)
                if _fails(answer):
                    wrong.append((one.path, answer.status_code, parameter["name"], bad[:60]))

    assert not wrong, (len(wrong), wrong[:_MOST_SHOWN])


def _query_names(page: Any) -> list[str]:
    """The names that a page's module reads from its address, and those of every form that the module knows."""
    module = inspect.getmodule(inspect.unwrap(page.view))
    if module is None or not module.__name__.startswith("epipolis."):
        return ["code", "login", "next", "password"]
    source = inspect.getsource(module)
    names = set(re.findall(r"""(?:GET|POST)(?:\.get\(|\.getlist\(|\[)\s*["'](\w+)["']""", source))
    for form in vars(module).values():
        if isinstance(form, type) and issubclass(form, forms.Form):
            names |= set(form.base_fields)
    return sorted(names)


def _addresses(page: Any) -> list[str]:
    names, found = _query_names(page), []
    for bad in IN_PAGES:
        found.append(f"{page.address}?" + "&".join(f"{name}={escaped(bad)}" for name in names))
        for name, kind in page.converters:
            if kind != "uuid":
                found.append("/" + fill(page.route, **{name: escaped(bad) or ARGUMENTS[kind]}))
    return found + [f"{page.address}?{name}={escaped(bad)}" for name, bad in zip(names, cycle(ALONE), strict=False)]


@pytest.mark.parametrize("several", PAGES)
def test_pages_refuse_bad_parameters(several, ask):
    wrong = []

    for page in several:
        for address in _addresses(page):
            answer = ask("everything", "GET", address)
            if _fails(answer):
                wrong.append((answer.status_code, address[:160]))

    assert not wrong, (len(wrong), wrong[:_MOST_SHOWN])


@pytest.mark.parametrize("several", PAGES)
def test_pages_refuse_bad_forms(several, ask):
    wrong = []

    for page in several:
        if ask("everything", "POST", page.address, {}).status_code == 405:
            continue
        names = _query_names(page)
        texts = [dict.fromkeys(names, bad) for bad in IN_PAGES]
        for data in [*texts, *({name: bad} for name, bad in zip(names, cycle(ALONE), strict=False))]:
            answer = ask("everything", "POST", page.address, data)
            if _fails(answer):
                wrong.append((page.name, answer.status_code, str(data)[:160]))
        for content in BODIES[:1] + BODIES[8:10]:
            answer = ask("everything", "POST", page.address, content, content_type="multipart/form-data; boundary=x")
            if _fails(answer):
                wrong.append((page.name, answer.status_code, "multipart", content[:60]))

    assert not wrong, (len(wrong), wrong[:_MOST_SHOWN])
