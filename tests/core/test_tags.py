"""The template tags that every module uses."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template
from django.test import RequestFactory

from epipolis.core import clock
from epipolis.core.modules import Layer

NOW = datetime(2026, 10, 1, 4, 0, tzinfo=UTC)


def render(source, path="/page/?district=5&page=3", user=None, **values):
    request = RequestFactory().get(path)
    request.user = user or AnonymousUser()
    return Template("{% load epipolis %}" + source).render(Context({"request": request, **values}))


@pytest.mark.parametrize(
    ("back", "said"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(hours=-2), "in 2 hours"),
    ],
)
def test_an_age_is_spoken_by_the_platforms_clock_with_the_exact_local_time_beside_it(back, said):
    with clock.fixed(NOW):
        html = render("{% age moment %}", moment=NOW - back)

    assert f">{said}</time>" in html
    local = (NOW - back).astimezone(clock.zone())
    assert f'title="{local:%Y-%m-%d %H:%M}"' in html


def test_a_day_has_no_age_and_nothing_is_a_dash():
    assert render("{% age moment %}", moment=date(2026, 10, 1)) == '<time datetime="2026-10-01">2026-10-01</time>'
    assert render("{% age moment %}", moment=None) == "–"


def test_an_icon_is_drawn_and_an_unknown_or_wicked_name_draws_a_plain_one():
    assert '<path d="M12 7v-4" />' in render('{% icon "virus" %}')
    plain = render('{% icon "no-such-icon" %}')
    assert "<rect" in plain
    assert render('{% icon "../../../package" %}') == plain


def test_a_chart_cannot_break_out_of_its_json_and_stands_as_a_table_too():
    chart = {"kind": "bar", "x": ["</script><script>alert(1)</script>"], "series": [{"name": "<b>", "values": [1]}]}

    html = render("{% chart data label='Cases' %}", data=chart)

    assert "<script>alert" not in html
    assert "<b>" not in html
    assert '<th scope="col">&lt;b&gt;</th>' in html
    assert "<td>1</td>" in html


def test_a_live_block_listens_to_its_topics_and_to_a_reload():
    html = render("{% live 'cases contacts' url every='60s' select='#x' %}<p>inside</p>{% endlive %}", url='/a/?b="1"')

    assert 'hx-trigger="live:cases from:body, live:contacts from:body, live:reload from:body, again, every 60s"' in html
    assert 'hx-get="/a/?b=&quot;1&quot;"' in html
    assert 'hx-select="#x"' in html
    assert "<p>inside</p>" in html


@pytest.mark.django_db
def test_a_map_shows_only_the_layers_that_its_reader_may_see(staff):
    layers = [
        Layer("open", "Open", "/open/", needs=""),
        Layer("cases", "Cases", "/cases/", needs="cases.view"),
        Layer("lost", "Lost", "nowhere:page", needs=""),
    ]

    stranger = render("{% citymap layers=layers %}", layers=layers)
    tracer = render("{% citymap layers=layers %}", layers=layers, user=staff("tracer"))

    assert ("/open/" in stranger, "/cases/" in stranger, "Lost" in stranger) == (True, False, False)
    assert "/cases/" in tracer


@pytest.mark.django_db
def test_downloads_of_an_exporter_are_offered_to_those_who_may_and_say_what_they_are_for(staff):
    assert render("{% export_links 'cases' %}", user=staff("tracer")).strip() == ""

    html = render("{% export_links 'cases' %}", user=staff("epidemiologist"))

    assert [kind in html for kind in ("/export/cases.csv", "/export/cases.json", "/export/cases.parquet")] == [True] * 3
    assert "export-terms" in html


def test_work_says_what_it_is_in_the_readers_language_and_keeps_the_files_name():
    from django.utils.translation import override

    with override("es"):
        assert render("{{ title|work_title }}", title="Line list: Menu: 1.csv") == "Lista de casos: Menu: 1.csv"


def test_the_detail_of_an_audit_entry_is_told_in_words():
    detail = {"fields": ["onset", "outcome"], "rows": 3, "new": True, "reason": "", "counts": {"made_new": 2}, "my_own": 1}

    told = render("{% for name, value in detail|in_words %}{{ name }}={{ value }};{% endfor %}", detail=detail)

    assert told == "fields=onset, outcome;rows=3;new=yes;reason=–;rows=made new 2;my own=1;"


def test_a_chart_offers_its_figures_once():
    data = {"kind": "bar", "x": ["a"], "series": [{"name": "n", "values": [1]}]}

    assert 'data-save="csv"' in render("{% chart data %}", data=data)
    assert 'data-save="csv"' not in render("{% chart data csv_elsewhere=True %}", data=data)
