"""Lists of orders in: who is bound there is bound here, nobody is watched or written to by it, nothing is taken twice."""

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.urls import reverse

from epipolis.act.notices.models import Notice
from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.models import Order, OrderChange, OrderLink, Watch
from epipolis.core import rules, uploads
from epipolis.core.imports import ImportOptions
from epipolis.core.models import AuditEntry, TaskRun
from epipolis.core.sealing import unseal
from epipolis.core.work import silent
from epipolis.sense.people.models import Person
from epipolis.sense.people.services import erase_person, find_or_make_person
from epipolis.server.commands.tables import import_
from tests.server.commands import runner

from .factories import NOW, again, case, drafted, exposed, ill, issued

pytestmark = pytest.mark.django_db
HEAD = "order_number,national_id,given_name,family_name,phone,kind,address,starts,until,told_how,told_at,reason"
ANA = "A-1,X111,Ana,Torres,+999 111 111,quarantine,1 Heping Road,2021-03-16,2021-03-29,written,2021-03-16T09:30,met a case"
BO = "A-2,X222,Bo,Chen,+999 222 222,isolation,2 Heping Road,2021-03-18,2021-03-31,verbal,2021-03-18,"


@pytest.fixture
def take(tmp_path):
    def run(*lines, head=HEAD, name="orders.csv", **options):
        path = tmp_path / name
        path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
        return services.import_orders(path, ImportOptions(by="mira", at=NOW, **options))

    return run


def problems(report):
    return [(one.row, one.field, one.rule) for one in report.problems]


def known(number, given="Ana", family="Torres"):
    """Somebody who is registered already."""
    facts = {"given_name": given, "family_name": family, "by": "test", "at": NOW}
    return find_or_make_person([("national_id", number)], **facts)[0]


def test_orders_of_a_list_bind_here_and_the_same_file_again_changes_nothing(take, deliver_events):
    first = take(ANA, BO)
    deliver_events()
    before = (Order.objects.count(), OrderChange.objects.count(), Person.objects.count(), OrderLink.objects.count())
    second = take(ANA, BO)

    assert (first.accepted, first.created, first.problems) == (2, 2, [])
    assert (second.accepted, second.created, second.changed, second.unchanged, second.problems) == (2, 0, 0, 2, [])
    assert (Order.objects.count(), OrderChange.objects.count(), Person.objects.count(), OrderLink.objects.count()) == before
    ana, bo = Order.objects.order_by("id")
    assert (ana.kind, ana.state, ana.starts, ana.until) == ("quarantine", "issued", date(2021, 3, 16), date(2021, 3, 29))
    assert (ana.written_at.isoformat(), bo.written_at, bo.verbal_at is None) == ("2021-03-16T01:30:00+00:00", None, False)
    assert (unseal(ana.address), unseal(ana.own_number), ana.issued_at) == ("1 Heping Road", "A-1", ana.written_at)
    assert rules.explain(ana.decision) == [
        "The office that issued the order says 2021-03-29; it was taken over from its list.", "Its reason there: met a case",
    ]  # fmt: skip
    assert b"A-1" not in bytes(ana.own_number)


def test_each_order_stands_in_the_trail_with_its_person_and_the_import_as_a_whole(take):
    take(ANA, BO)

    kept = AuditEntry.objects.filter(action="quarantine.imported")
    assert set(kept.values_list("person", flat=True)) == set(Order.objects.values_list("person", flat=True))
    assert AuditEntry.objects.get(action="quarantine.import").detail["created"] == 2


def test_nobody_is_told_by_an_import_unless_that_is_asked_for_and_then_once(take):
    take(ANA)
    assert not Notice.objects.exists()

    over = "A-3,X333,Cy,Lin,+999 333 333,quarantine,3 Road,2021-03-01,2021-03-10,written,2021-03-01,"
    for _ in range(2):
        take(ANA, BO, over, tell=True)
    assert list(Notice.objects.values_list("template", flat=True)) == ["order_issued"]


def test_nobody_is_watched_by_an_import_whatever_the_list_says(take, deliver_events):
    report = take(ANA + ",yes,25.02,121.53", head=HEAD + ",watched,lat,lon")
    deliver_events()

    row = Order.objects.get()
    assert (row.watched, row.lat, row.lon, Watch.objects.exists()) == (False, 25.02, 121.53, False)
    assert problems(report) == [(2, "watched", "watching by phone is never switched on by an import")]


def test_a_draft_that_waited_becomes_the_order_of_the_list_and_keeps_its_reasons(take):
    row = drafted(who=known("X111"))
    report = take(ANA.replace("2021-03-29", "2021-03-25"))
    row = again(row)

    assert (report.created, Order.objects.count(), row.state, row.until) == (1, 1, "issued", date(2021, 3, 25))
    assert (row.standard_until, row.follow_up.quarantine_until) == (date(2021, 3, 29), date(2021, 3, 25))
    assert "last contact" in rules.explain(row.decision)[0]
    assert take(ANA.replace("2021-03-29", "2021-03-25")).unchanged == 1


def test_who_has_another_order_in_force_is_named_and_keeps_it(take):
    row = issued(drafted(who=known("X111")))
    report = take(ANA, BO)

    assert (report.accepted, report.rejected, report.problems[0].value) == (1, 1, row.number)
    assert problems(report)[0][:2] == (2, "order")
    assert again(row).revision == row.revision


def test_the_same_order_from_a_file_of_another_name_is_not_a_second_one(take):
    take(ANA)
    report = take(ANA, name="orders-of-tuesday.csv")

    assert (report.unchanged, Order.objects.count()) == (1, 1)
    assert "has this order here already" in report.problems[0].rule


def test_another_last_day_in_a_later_file_is_followed_but_not_against_an_officer(take):
    take(ANA, BO)
    ana, bo = Order.objects.order_by("id")
    services.change_days(bo.id, until=date(2021, 4, 5), reason="still ill", by="otto", at=NOW)
    Notice.objects.all().delete()
    later = take(ANA.replace("2021-03-29", "2021-03-27"), BO.replace("2021-03-31", "2021-04-02"))

    assert (later.changed, later.unchanged) == (1, 1)
    assert (again(ana).until, again(bo).until) == (date(2021, 3, 27), date(2021, 4, 5))
    assert ana.changes.order_by("-id").first().kind == "shortened"
    assert problems(later) == [(3, "until", "was changed here since; the day of the list is not taken over")]
    assert not Notice.objects.exists()


def test_an_order_that_the_list_lifts_is_lifted_and_one_that_was_lifted_here_stays_so(take):
    head = HEAD + ",state,ended"
    take(ANA + ",issued,", BO + ",issued,", head=head)
    ana, bo = Order.objects.order_by("id")
    services.lift_order(bo.id, reason="negative test", by="otto", at=NOW)
    report = take(ANA + ",lifted,2021-03-19", BO + ",issued,", head=head)

    assert (report.changed, again(ana).state, again(bo).state) == (1, "lifted", "lifted")
    assert again(ana).ended.isoformat() == "2021-03-19T16:00:00+00:00"
    assert take(ANA + ",issued,", head=head).problems[0].field == "state"
    assert again(ana).state == "lifted"


def test_orders_that_are_over_are_kept_as_over_and_very_old_ones_not_taken(take):
    over = ANA.replace("2021-03-16,2021-03-29", "2021-03-01,2021-03-10").replace("2021-03-16T09:30", "2021-03-01")
    old = BO.replace("2021-03-18,2021-03-31", "2020-03-01,2020-03-10").replace("2021-03-18", "2020-03-01")
    report = take(over, old)
    row = Order.objects.get()

    assert (row.state, row.ended.isoformat(), OrderLink.objects.exists()) == ("ended", "2021-03-10T16:00:00+00:00", False)
    assert problems(report) == [(3, "until", "ended longer ago than orders are kept here")]
    assert services.end_orders(NOW)["ended"] == 0


def test_a_draft_of_the_list_is_a_draft_here_and_a_later_file_issues_it(take):
    head = HEAD + ",state"
    take(ANA + ",draft", head=head)
    row = Order.objects.get()
    assert (row.state, row.issued_at, row.issued_by, OrderLink.objects.exists()) == ("draft", None, "", False)
    report = take(ANA + ",issued", head=head)

    assert (report.changed, again(row).state, OrderLink.objects.count()) == (1, "issued", 1)


def test_a_draft_of_the_list_follows_a_later_file_and_a_row_that_changed_otherwise_is_named(take):
    head = HEAD + ",state"
    take(ANA + ",draft", BO + ",issued", head=head)
    report = take(ANA.replace("2021-03-29", "2021-03-27") + ",draft", BO.replace("2 Heping", "7 Heping") + ",issued", head=head)
    row, other = Order.objects.order_by("id")

    assert (report.changed, row.until, row.state, row.revision) == (1, date(2021, 3, 27), "draft", 2)
    assert unseal(other.address) == "2 Heping Road"
    assert "change the rest on the order’s page" in report.problems[0].rule


def test_how_fast_an_office_issues_is_not_measured_by_orders_of_another_list(take):
    take(ANA)
    issued(at=NOW)
    found = {one.name: one for one in queries.shares(date(2021, 3, 1), date(2021, 3, 20))}

    assert (found["issued_in_a_day"].met, found["issued_in_a_day"].of, found["extended"].of) == (1, 1, 2)


def test_who_isolates_by_the_list_is_no_longer_in_quarantine_whichever_row_comes_first(take):
    isolated = ANA.replace("A-1", "A-9").replace("quarantine", "isolation")
    take(isolated, ANA, tell=True)

    assert dict(Order.objects.values_list("kind", "state")) == {"isolation": "issued", "quarantine": "ended"}
    assert Notice.objects.count() == 1


def test_the_file_of_a_case_learns_of_the_isolation_that_a_list_tells(take):
    source = case(known("X222", "Bo", "Chen"))
    row = ill(source)
    take(BO)
    source.refresh_from_db()

    assert (again(row).state, source.isolated) == ("issued", date(2021, 3, 18))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("quarantine", "arrest"), "kind"),
        (("quarantine", ""), "kind"),
        (("1 Heping Road", ""), "address"),
        (("2021-03-16,2021-03-29", ",2021-03-29"), "starts"),
        (("2021-03-16,2021-03-29", "2021-03-16,"), "until"),
        (("2021-03-16,2021-03-29", "2021-03-16,2021-03-10"), "until"),
        (("2021-03-16,2021-03-29", "2021-03-16,2021-12-24"), "until"),
        (("2021-03-16,2021-03-29", "2021-02-30,2021-03-29"), "starts"),
        (("2021-03-16,2021-03-29", "2021-08-16,2021-08-29"), "starts"),
        (("written", "by pigeon"), "told_how"),
        (("2021-03-16T09:30", "2031-03-16"), "told_at"),
        (("X111,Ana,Torres,+999 111 111", ",,,"), "given_name"),
        (("+999 111 111", "x"), "phone"),
        (("met a case", "x" * 1_001), "reason"),
        (("met a case", "met a case,more"), ""),
    ],
)
def test_bad_rows_are_named_by_field_and_the_others_kept(take, change, field):
    report = take(ANA.replace(*change, 1), BO)

    assert (report.accepted, report.rejected) == (1, 1)
    assert (report.problems[0].row, report.problems[0].field) == (2, field)
    assert Order.objects.get().kind == "isolation"


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ("home,,95,121", "lat"),
        ("home,,0,0", "lat"),
        ("home,,25.02,", "lon"),
        ("cellar,,,", "place"),
        ("facility,,,", "facility"),
    ],
)
def test_a_place_that_is_nowhere_is_named(take, cells, field):
    report = take(f"{ANA},{cells}", head=HEAD + ",place,facility,lat,lon")

    assert (report.rejected, report.problems[0].field, Order.objects.exists()) == (1, field, False)


def test_a_number_that_stands_twice_in_a_file_is_taken_once(take):
    report = take(ANA, BO.replace("A-2", "A-1"))

    assert (report.created, problems(report)) == (1, [(3, "order", "the same order stands in the file already")])


def test_the_address_of_a_facility_does_not_become_the_home_of_a_person(take):
    take(ANA + ",facility,Harbour Hotel", head=HEAD + ",place,facility")
    row = Order.objects.get()

    assert (row.place, row.facility, unseal(row.address)) == ("facility", "Harbour Hotel", "1 Heping Road")
    assert unseal(Person.objects.get().address) == ""


def test_a_dry_run_stores_nothing_and_tells_the_same(take):
    report = take(ANA, BO, dry_run=True, tell=True)

    assert (report.created, report.dry_run) == (2, True)
    assert (Order.objects.count(), Person.objects.count(), Notice.objects.count(), AuditEntry.objects.count()) == (0, 0, 0, 0)


def test_parquet_and_words_in_other_languages_are_read(tmp_path):
    path = tmp_path / "orders.parquet"
    row = {"número": "1", "nombre": "Ana", "apellidos": "Torres", "medida": "cuarentena", "desde": date(2021, 3, 16),
           "hasta": date(2021, 3, 29), "dirección": "Calle 1"}  # fmt: skip
    pq.write_table(pa.Table.from_pylist([row]), path)
    report = services.import_orders(path, ImportOptions(by="mira", at=NOW))

    assert (report.created, report.rejected, problems(report)[0][1]) == (1, 0, "told_at")
    assert (Order.objects.get().until, Order.objects.get().written_at) == (date(2021, 3, 29), None)


@pytest.mark.parametrize("head", ["order,kind,starts", "order,given_name,starts"])
def test_a_file_that_does_not_say_whom_or_what_is_refused_as_a_whole(take, head):
    with pytest.raises(ValueError, match="no column says"):
        take("1,x,2021-03-16", head=head)


def test_the_platform_orders_no_second_quarantine_for_a_contact_whom_a_list_ordered(take, deliver_events):
    take(ANA)
    exposed(Person.objects.get(), last_contact=date(2021, 3, 18))
    deliver_events()
    row = Order.objects.get()

    assert (row.state, row.until, row.asks["until"]) == ("issued", date(2021, 3, 29), "2021-04-01")


def test_the_command_checks_and_then_imports(tmp_path, monkeypatch, settings):
    monkeypatch.setattr("epipolis.server.commands.tables.set_up", lambda: None)
    path = Path(tmp_path / "orders.csv")
    path.write_text(f"{HEAD}\n{ANA}\n", encoding="utf-8")
    run = runner(import_)
    assert "created 1" in run("orders", path, "--check").output
    assert not Order.objects.exists()
    assert "created 1" in run("orders", path).output

    assert Order.objects.count() == 1
    with pytest.raises(ValueError, match="nobody"):
        run("people", path, "--tell")


@pytest.mark.parametrize("role", ["tracer", "epidemiologist", "registrar", "operator", "auditor", "partner", "kiosk"])
def test_only_the_commander_imports_orders(client, staff, role):
    client.force_login(staff(role))
    address = reverse("import", args=["orders"])

    assert client.get(address).status_code == 403
    assert client.post(address, {"file": ""}).status_code == 403


def test_the_page_offers_the_commander_to_tell_people_and_says_no_by_itself(client, staff):
    client.force_login(staff("commander"))
    shown = client.get(reverse("import", args=["orders"])).content.decode()

    assert 'name="tell">' in shown
    assert 'name="tell" checked' not in shown
    client.force_login(staff("tracer", name="t2"))
    assert 'name="tell"' not in client.get(reverse("import", args=["contacts"])).content.decode()


def test_what_is_erased_leaves_no_number_of_another_list(take):
    take(ANA)
    erase_person(Order.objects.get().person_id, by="test", at=NOW, reason="asked")
    services.forget_erased(NOW + timedelta(hours=1))

    assert bytes(Order.objects.get().own_number) == b""


def test_an_order_is_found_by_its_number_in_the_other_list_which_only_who_sees_names_reads(take, client, staff):
    take(ANA, BO)
    row = Order.objects.get(kind="quarantine")
    client.force_login(staff("tracer"))
    shown = client.get("/quarantine/?view=all&number=A-1").content.decode()
    assert (row.number in shown, "O-2021" in shown.replace(row.number, "")) == (True, False)
    assert row.number not in client.get(f"/quarantine/?view=all&number=X-{row.id}").content.decode()
    page = reverse("quarantine:order", args=[row.id])
    assert "<bdi>A-1</bdi>" in client.get(page).content.decode()
    client.force_login(staff("epidemiologist", name="eva"))

    assert "A-1" not in client.get(page).content.decode()


def test_the_name_of_a_file_which_may_be_anybodys_is_not_shown_to_the_people_in_it(take, client):
    take(ANA, name="Orders of Bo Chen and others.csv")

    address = reverse("quarantine:mine", args=[services.token_of(OrderLink.objects.get())])
    shown = client.get(address).content.decode()
    assert "taken over from its list" in shown
    assert "Bo Chen" not in shown + str(list(queries.export_rows(NOW)))


@pytest.mark.parametrize(("ticked", "said"), [("on", "The people concerned will be told."), ("", "Nobody will be told.")])
def test_the_check_of_a_file_says_whether_people_will_be_told_before_anybody_is(
    client, staff, tmp_path, monkeypatch, ticked, said
):
    monkeypatch.setattr(uploads, "folder", lambda: tmp_path / "uploads")
    client.force_login(staff("commander"))
    path = tmp_path / "orders.csv"
    path.write_text(f"{HEAD}\n{ANA}\n", encoding="utf-8")
    with path.open("rb") as file:
        answer = client.post(reverse("import", args=["orders"]), {"file": file, "tell": ticked, "source": "north"})
    run = TaskRun.objects.get()
    run.result, run.finished, run.state = uploads.run_import(silent(), **run.arguments), NOW, "done"
    run.save()
    shown = client.get(answer.url).content.decode()

    assert said in shown
    assert (run.arguments["tell"], Notice.objects.exists(), Order.objects.exists()) == (bool(ticked), False, False)
