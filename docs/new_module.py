"""`make new WING=act MODULE=aid`: the smallest module that works, with its test. Everything else is added when needed."""

import sys
from pathlib import Path

WINGS = ("sense", "understand", "act", "share")
MODULE_PY = '''"""{title}: say here in one sentence what it is for, to a citizen."""

from django.utils.translation import gettext_lazy as _

from epipolis.core.modules import Can, Module, Page

MODULE = Module(
    title=_("{title}"),
    icon="square",
    menu=(Page(_("{title}"), url="{name}:{name}", needs="{name}.view"),),
    permissions={{"view": Can("See {words}", roles=("operator",))}},
)
'''
URLS_PY = """from django.urls import path

from . import views

urlpatterns = [path("", views.{name}, name="{name}")]
"""
VIEWS_PY = """from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from epipolis.core.access import needs


@needs("{name}.view")
def {name}(request: HttpRequest) -> HttpResponse:
    return render(request, "{name}/{name}.html")
"""
TEMPLATE = """{{% extends "core/base.html" %}}{{% load i18n epipolis %}}
{{% block title %}}{{% translate "{title}" %}}{{% endblock %}}
{{% block heading %}}{{% translate "{title}" %}}{{% endblock %}}
{{% block content %}}{{% translate "Nothing here yet" as none %}}{{% nothing none %}}{{% endblock %}}
"""
TEST_PY = """import pytest

pytestmark = pytest.mark.django_db


def test_the_page_is_for_those_who_may_see_it(client, staff):
    client.force_login(staff("operator"))
    assert client.get("/{name}/").status_code == 200

    client.force_login(staff("kiosk"))
    assert client.get("/{name}/").status_code == 403
"""


def make_module(root: Path, wing: str, name: str) -> list[Path]:
    """Write the files of a new module and its test; return them.

    Raises:
        ValueError: the wing does not exist, the name is no plain word, or the module is there already.
    """
    home, tests = root / "src" / "epipolis" / wing / name, root / "tests" / wing / name
    if wing not in WINGS:
        raise ValueError(f"WING must be one of {', '.join(WINGS)}")
    if not (name.isidentifier() and name.islower()):
        raise ValueError("MODULE must be one plain lower-case word, the plural that a city officer would say")
    if home.exists():
        raise ValueError(f"{wing}/{name} is there already")
    title = name.replace("_", " ").capitalize()
    values = {"name": name, "title": title, "words": title.lower()}
    files = {
        home / "__init__.py": "",
        home / "module.py": MODULE_PY.format(**values),
        home / "urls.py": URLS_PY.format(**values),
        home / "views.py": VIEWS_PY.format(**values),
        home / "templates" / name / f"{name}.html": TEMPLATE.format(**values),
        tests / "__init__.py": "",
        tests / "test_views.py": TEST_PY.format(**values),
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "tests" / wing / "__init__.py").touch()
    return list(files)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("make new WING=act MODULE=aid")
    try:
        made = make_module(Path(__file__).parents[1], *sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
    print("\n".join(str(path) for path in made))
