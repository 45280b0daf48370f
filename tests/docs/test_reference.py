"""Nothing undocumented: the reference pages are what the code declares, and every declaration has words."""

from dataclasses import fields
from inspect import getdoc
from pathlib import Path

import pytest

from docs.reference import pages
from epipolis.core import modules as declared
from epipolis.core.modules import modules
from epipolis.core.roles import declared_permissions

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
MARKDOWN = sorted((Path(__file__).parents[2]).glob("*.md")) + sorted((Path(__file__).parents[2] / "docs").rglob("*.md"))


@pytest.fixture(scope="module")
def written(django_db_setup, django_db_blocker):
    """The pages as the code is now."""
    with django_db_blocker.unblock():
        return pages()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    sorted(
        [
            "modules.md",
            "extension-points.md",
            "permissions.md",
            "settings.md",
            "events.md",
            "rules.md",
            "api.md",
            "engines.md",
            "quality.md",
            "measured.md",
            "measures.md",
            "exchange.md",
            "diseases.md",
        ]
    ),
)
def test_a_reference_page_says_what_the_code_declares(written, name):
    assert (REFERENCE / name).read_text(encoding="utf-8") == written[name], "run `make docs`"


@pytest.mark.django_db
def test_every_reference_page_is_there(written):
    assert written.keys() <= {path.name for path in REFERENCE.glob("*.md")}


def test_every_field_of_a_module_is_in_the_reference():
    text = (REFERENCE / "extension-points.md").read_text(encoding="utf-8")

    assert [f.name for f in fields(declared.Module) if f"`{f.name}`" not in text] == []


def test_every_permission_says_what_it_allows():
    assert [name for name, can in declared_permissions().items() if len(can.text) < 5 or not can.roles] == []


def test_every_module_opens_with_a_sentence():
    from importlib import import_module

    from epipolis.core.modules import packages

    assert [name for name in modules() if not getdoc(import_module(f"{packages()[name]}.module"))] == []


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda p: str(p.relative_to(Path(__file__).parents[2])))
def test_links_between_pages_lead_somewhere(path):
    import re

    text = path.read_text(encoding="utf-8")
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]

    assert [x for x in links if x and "://" not in x and not x.startswith("mailto:") and not (path.parent / x).exists()] == []
