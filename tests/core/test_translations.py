"""Everything that people read exists in every language, and what runs is what was translated."""

from io import BytesIO

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo

from docs.translations import LANGUAGES, LOCALE, catalogue, declared, messages, missing, templatized


@pytest.fixture(scope="module")
def wanted():
    return messages()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_lacks_a_translation(language, wanted):
    """`make translations` lists what is missing; the catalogue is the place to add it."""
    assert missing(catalogue(language), wanted) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_the_written_one(language):
    compiled = BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    with (LOCALE / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        stored = read_mo(file)

    assert [(m.id, m.string) for m in stored] == [(m.id, m.string) for m in read_mo(compiled)]


def test_texts_are_found_in_python_templates_and_declarations(wanted):
    import ast

    assert "Skip to the content" in wanted
    assert ("%(count)d minute", "%(count)d minutes") in [message.id for message in wanted]
    tree = ast.parse(
        'Page("One", url="x", needs="y"); Tile(title="Two", source="Three"); Importer("a", "Four", fields={"b": "Five"})'
    )
    assert sorted(declared(tree)) == ["Five", "Four", "One", "Three", "Two"]
    assert "gettext" in templatized("{% load i18n %}\n   {% translate 'x' %}")


def test_a_missing_and_a_broken_translation_are_both_seen():
    wanted, stored = Catalog(locale="es"), Catalog(locale="es")
    for text in ("Menu", "Page %(number)s of %(pages)s", "Done"):
        wanted.add(text)
    stored.add("Page %(number)s of %(pages)s", "Página")
    stored.add("Done", "Listo")

    assert missing(stored, wanted) == ["Menu", "Page %(number)s of %(pages)s"]
