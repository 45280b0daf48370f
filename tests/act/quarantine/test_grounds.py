"""Legal basis and purpose: the city's texts in each reader's language, an officer's as they were typed."""

from datetime import date

import pytest
from django.utils.translation import override

from epipolis.act.quarantine import queries, services
from epipolis.core.models import RulePackRow

from .factories import NOW, issued
from .test_pages import link, page, printed, url

pytestmark = pytest.mark.django_db
SPANISH = "La legislación de esta ciudad y de este país sobre enfermedades transmisibles"


def city_texts(**content):
    """The city's own rules for orders."""
    content = dict(queries.paper_rules(NOW.date()).content) | content
    RulePackRow.objects.create(
        name="orders", version="city", jurisdiction="WHO", valid_from=date(2020, 1, 1), source="city", content=content,
        known_at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize("written_in", ["en", "zh-hant", "es"])
def test_the_texts_of_the_rules_are_read_in_the_readers_language_whoever_issued_the_order(client, written_in):
    with override(written_in):
        row = issued(**queries.default_grounds(NOW.date()))

    assert SPANISH in page(client, f"{link(row)}?language=es")
    assert "本市及本國傳染病防治相關法規" in page(client, f"{link(row)}?language=zh-hant")
    assert "The law on communicable diseases of this city and country" in page(client, f"{link(row)}?language=en")


def test_what_an_officer_typed_stays_as_it_was_typed(client):
    row = issued(legal_basis="yes", purpose="Ordnung muss sein")

    shown = page(client, f"{link(row)}?language=es")
    assert "yes" in shown
    assert "Ordnung muss sein" in shown


def test_the_form_proposes_the_texts_in_the_officers_language_and_the_paper_is_in_the_persons(client, staff):
    client.force_login(staff("tracer", name="tina"))
    row = issued(language="es", **queries.default_grounds(NOW.date()))
    text = printed(client.get(url("paper", row, "order")).content)

    assert "La legislaci" in text
    assert "The law on communicable diseases" in text


def test_a_city_may_give_one_text_for_everybody_or_one_for_each_language():
    city_texts(legal_basis="Act 7", purpose={"es": "para cuidar", "zh-Hant": "照顧"})

    with override("zh-hant"):
        assert queries.default_grounds(NOW.date()) == {"legal_basis": "Act 7", "purpose": "照顧"}
    with override("en"):
        assert queries.default_grounds(NOW.date())["purpose"] == "para cuidar"


def test_the_grounds_of_watching_are_read_in_each_language_too(client):
    law = {"en": "Act 9", "es": "Ley 9"}
    city_texts(watch={"legal_basis": law, "purpose": {"en": "to help", "es": "para ayudar"}})
    row = issued()
    row = services.watch_order(row.id, basis="law", reason="x", by="cora", at=NOW)

    assert row.watch_law == "Act 9"
    assert "Ley 9" in page(client, f"{link(row)}?language=es")


@pytest.mark.parametrize("told", [None, "", " ", {}, {"es": " "}])
def test_an_empty_ground_in_any_form_lets_no_phone_be_watched(told):
    city_texts(watch={"legal_basis": told, "purpose": "x"})

    with pytest.raises(services.OrderError, match="no legal basis"):
        services.watch_order(issued().id, basis="law", reason="x", by="cora", at=NOW)
