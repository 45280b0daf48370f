"""The pages: for those who may see them, with a designed emptiness, and a way back from every step."""

from uuid import uuid4

import pytest

from epipolis.core import clock
from epipolis.core.work import silent
from epipolis.understand.signals import queries, services
from epipolis.understand.signals.models import HotSpot, Judgement, Look, Signal

from .factories import NOW, TODAY, YESTERDAY, cases_of, look, raised, town, usual  # noqa: F401 -- a fixture
from .test_judging import signal

pytestmark = pytest.mark.django_db
PAGES = ("/signals/", "/signals/hot-spots/", "/signals/record/")


@pytest.fixture
def page(client, staff):
    client.force_login(staff("epidemiologist", name="ana"))

    def call(path, data=None, status=200, **headers):
        with clock.fixed(NOW):
            answer = client.get(path, **headers) if data is None else client.post(path, data, **headers)
        assert answer.status_code == status, answer.content[:2_000]
        return answer.content.decode() if status == 200 else answer

    return call


def spot(**more):
    one = signal(
        method="scan", area="D1", value=30, expected=10, upper=None, course=[[str(YESTERDAY), 3.0, None, None]], **more
    )
    return HotSpot.objects.create(
        signal=one, areas=["D1", "D2"], lon=-20, lat=10, radius_km=2, first_day=TODAY.replace(day=20), last_day=YESTERDAY,
        observed=30, expected=10, risk=4, p=0.001, recurrence_days=1000,
    )  # fmt: skip


@pytest.mark.parametrize("role", ["epidemiologist", "commander", "tracer"])
def test_those_who_may_see_open_every_page(client, staff, role):
    client.force_login(staff(role))
    one = signal()

    for path in (*PAGES, f"/signals/{one.id}/"):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("role", ["kiosk", "registrar", "operator", "partner", "auditor"])
def test_others_open_none(client, staff, role):
    client.force_login(staff(role))
    one = signal()

    for path in (*PAGES, "/signals/hot-spots.geojson", f"/signals/{one.id}/"):
        assert client.get(path).status_code == 403


def test_a_tracer_sees_but_neither_judges_nor_runs(client, staff):
    client.force_login(staff("tracer"))
    one = signal()
    made = services.judge_signal(one.id, "looked_at", by="ana", at=NOW)

    for path in (f"/signals/{one.id}/judge/", f"/signals/judgements/{made.id}/undo/", "/signals/run/", "/signals/past/"):
        assert client.post(path, {"state": "explained", "reason": "x"}).status_code == 403
    assert "What was it?" not in client.get(f"/signals/{one.id}/").content.decode()
    one.refresh_from_db()
    assert one.state == "looked_at"


def test_every_page_says_why_it_is_empty_and_what_to_do(page):
    assert "Nothing was watched yet" in page("/signals/")
    assert "Nothing was searched yet" in page("/signals/hot-spots/")
    assert "Nothing to compare yet" in page("/signals/record/")
    usual(town(), days=20, mean=0.2)
    look()
    assert "Nothing stands out" in page("/signals/")
    assert "No hot spot was found" in page("/signals/hot-spots/")
    assert "No signal fits" in page("/signals/?area=nowhere")


def test_the_inbox_leads_to_the_signal_which_says_why_with_its_rate(page, raised):  # noqa: F811 -- the fixture
    listed = page("/signals/")
    assert f"/signals/{raised.id}/" in listed

    told = page(f"/signals/{raised.id}/")

    assert "False alarms that this rule states: about 1 a year in each place." in told
    assert "signal_watches epipolis 2020-03" in told
    assert "/cases/?district=" in told
    assert "/tracing/clusters/" in told
    assert '"kind": "line"' in told
    assert "What was it?" in told


def test_the_chart_holds_what_was_known_then_and_what_is_known_now(raised):  # noqa: F811 -- the fixture
    from epipolis.sense.city.models import District

    first = queries.signal_chart(raised, queries.newest_look())
    cases_of(District.objects.get(code="D1"), YESTERDAY, 6, known=NOW)
    services.look_back(TODAY, TODAY)
    with clock.fixed(NOW):
        services.compute_looks(silent())

    chart = queries.signal_chart(raised, queries.newest_look())

    names = [one["name"] for one in chart["series"]]
    assert names == ["as known then", "expected, and the range of chance", "signal", "as known now"]
    assert len(first["series"]) == 3
    day = chart["x"].index(YESTERDAY.isoformat())
    assert chart["series"][3]["values"][day] == raised.value + 6
    assert chart["series"][0]["values"][day] == raised.value
    assert chart["series"][2]["values"].count(raised.value) == 1


def test_a_word_on_a_signal_is_noted_and_taken_back(page):
    one = signal()

    answer = page(f"/signals/{one.id}/judge/", {"state": "explained", "reason": "school", "seen": "open"}, 302)
    told = page(answer["Location"])
    made = Judgement.objects.get()

    assert "Noted: explained." in told
    assert "school" in told
    assert f"/signals/judgements/{made.id}/undo/" in told
    page(f"/signals/judgements/{made.id}/undo/", {}, 302)
    assert Signal.objects.get().state == "open"
    assert "Noted:" not in page(answer["Location"])


def test_looked_at_from_the_list_leads_back_to_the_list(page):
    one = signal()

    answer = page(f"/signals/{one.id}/judge/", {"state": "looked_at", "seen": "open", "back": "list"}, 302)

    assert answer["Location"].startswith("/signals/?done=")
    assert "Noted: looked at." in page(answer["Location"])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"state": "explained"}, 422),
        ({"state": "false_alarm", "reason": "x" * 600}, 422),
        ({"state": "looked_at", "seen": "explained"}, 422),
        ({"state": "solved"}, 302),
        ({}, 302),
        ({"state": "explained", "reason": "a\0b"}, 302),
        ({"state": "explained", "reason": "x", "back": "https://elsewhere.example"}, 302),
    ],
)
def test_a_bad_word_changes_nothing(page, sent, status):
    one = signal()

    answer = page(f"/signals/{one.id}/judge/", sent, status)

    assert Signal.objects.get().state == "open"
    assert answer.get("Location", f"/signals/{one.id}/") == f"/signals/{one.id}/"


def test_what_was_typed_is_kept_when_it_is_refused(page):
    one = signal()

    answer = page(f"/signals/{one.id}/judge/", {"state": "false_alarm", "reason": "y" * 501}, 422)

    assert "y" * 501 in answer.content.decode()


@pytest.mark.parametrize("path", ["", "judge/"])
def test_a_signal_that_is_not_there_is_not_found(page, path):
    page(f"/signals/{uuid4()}/{path}", {} if path else None, 404)


@pytest.mark.parametrize("number", ["0", "99999999999999999999999", "1"])
def test_a_step_that_is_not_there_is_not_taken_back(page, number):
    page(f"/signals/judgements/{number}/undo/", {}, 404)


@pytest.mark.parametrize(
    "query",
    [
        "state=nothing", "page=-1", "page=x", "area=%00", "series=" + "x" * 500, "done=²", "done=-1", "done=" + "9" * 40,
        "method=%27%3B", "state=all&area=D1&series=cases&method=scan", "done=1",
    ],
)  # fmt: skip
def test_no_question_breaks_the_list(page, query):
    signal()
    assert "What stands out?" in page(f"/signals/?{query}")
    page(f"/signals/hot-spots/?{query}")
    page(f"/signals/record/?{query}")


def test_hot_spots_are_listed_and_drawn(page):
    town(3)
    one = spot()
    with clock.fixed(NOW):
        Look.objects.create(
            kind="nightly", known_at=NOW, made_at=NOW, day=YESTERDAY, fingerprint="f", digest="d", skipped=["D3"]
        )

    listed = page("/signals/hot-spots/")
    assert "Part 1, Part 2" in listed
    assert "once in 2.7 years or less often" in listed
    assert "Left out for want of a border:" in listed
    drawn = queries.spots_geojson()
    assert {f["properties"]["code"]: f["properties"].get("excess") for f in drawn["features"]} == {
        "D1": 3.0,
        "D2": 3.0,
        "D3": None,
    }
    told = page(f"/signals/{one.signal_id}/")
    assert "False alarms that this rule states: about 1 a year in the whole city." in told


def test_signals_that_carry_markup_are_shown_as_text(page):
    one = signal(series="<b>x</b>", area="<script>alert(1)</script>", rule="<i>r</i>")
    services.judge_signal(one.id, "explained", reason="<script>alert(2)</script>", by="<u>bo</u>", at=NOW)

    for path in ("/signals/?state=all", f"/signals/{one.id}/"):
        told = page(path)
        assert "<script>alert" not in told
        assert "<u>bo" not in told


def test_a_look_is_queued_once_and_done_by_the_worker(page, deliver_events):
    usual(town(), days=30)
    page("/signals/run/", {}, 302)
    page("/signals/run/", {}, 302)

    with clock.fixed(NOW):
        assert deliver_events(twice=True) == 1
    assert Look.objects.filter(kind="asked").count() == 1


@pytest.mark.parametrize(
    ("since", "until", "why"),
    [
        ("2026-03-20", "2027-03-30", "still to come"),
        ("2026-03-20", "2026-03-10", "The last day lies before the first."),
        ("x", "2026-03-10", "From: Enter a valid date."),
        ("", "", "required"),
        ("2020-01-01", "2026-03-10", "At most 366"),
    ],
)
def test_days_that_cannot_be_looked_at_are_told(page, since, until, why):
    page("/signals/past/", {"since": since, "until": until}, 302)

    assert why in page("/signals/record/")


def test_the_pages_need_the_same_questions_for_any_number_of_signals(page, django_assert_max_num_queries):
    for n in range(12):
        signal(day=TODAY.replace(day=n + 1), area=f"D{n % 3}")
    page("/signals/")
    with django_assert_max_num_queries(24):
        page("/signals/")


def test_the_tile_says_how_many_wait(page):
    assert queries.open_tile(NOW) == {"value": None, "note": "nothing was watched yet"}
    usual(town(), days=20, mean=0.2)
    look()
    assert (queries.open_tile(NOW)["value"], queries.open_tile(NOW)["note"]) == (0, "nothing stands out")
    signal()
    spot()
    assert queries.open_tile(NOW)["value"] == 2
    assert queries.open_tile(NOW)["note"] == "newest of 29 March, 1 hot spot"


def test_signals_leave_as_a_file_with_the_last_word_on_them(page, client):
    one = signal()
    spot(day=TODAY)
    services.judge_signal(one.id, "false_alarm", reason="=HYPERLINK()", by="ana", at=NOW)

    answer = client.get("/export/signals.csv")

    body = b"".join(answer.streaming_content).decode()
    assert body.count("\r\n") == 3
    assert "'=HYPERLINK()" in body
    assert "D1 D2" in body
