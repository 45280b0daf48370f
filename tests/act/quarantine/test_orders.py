"""Orders in force: issued, changed, told, taken back, watched, appealed, helped, ended, forgotten."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from epipolis.act.followup.models import FollowUp
from epipolis.act.notices.models import Notice
from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.models import Need, Order, OrderChange, OrderLink, SelfReport
from epipolis.act.quarantine.module import MODULE
from epipolis.act.quarantine.services import NeedAsked, OrderError, Report
from epipolis.core import clock, rules, work
from epipolis.core.models import AuditEntry, RulePackRow
from epipolis.core.sealing import unseal
from epipolis.sense.people import services as people

from .factories import NOW, again, case, drafted, exposed, ill, issued, local, person, terms

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def kinds(row):
    return list(row.changes.order_by("id").values_list("kind", flat=True))


def grounds(law="Article 1", purpose="to find people who need help"):
    pack = queries.paper_rules(NOW.date())
    content = dict(pack.content) | {"watch": {"legal_basis": law, "purpose": purpose}}
    RulePackRow.objects.create(
        name="orders",
        version="city",
        jurisdiction="WHO",
        valid_from=date(2020, 1, 1),
        source="city",
        content=content,
        known_at=NOW,
    )


def close(days):
    at = NOW + days * DAY
    with clock.fixed(at):
        return services.end_orders(at)


def test_issuing_makes_an_order_tells_the_person_and_the_follow_up():
    row = issued()

    assert (row.state, row.issued_by, row.starts, row.until) == ("issued", "otto", date(2021, 3, 20), date(2021, 3, 29))
    follow_up = FollowUp.objects.get()
    assert (follow_up.quarantine_from, follow_up.quarantine_until, follow_up.order_kind) == (
        date(2021, 3, 20), date(2021, 3, 29), "official",
    )  # fmt: skip
    assert Notice.objects.values_list("template", "about_kind", "about_id").get() == ("order_issued", "order", str(row.id))
    assert AuditEntry.objects.filter(action="quarantine.issued", actor="otto", person=row.person_id).count() == 1


def test_nobody_is_held_to_days_before_they_were_told():
    row = drafted()
    with pytest.raises(OrderError, match="before the day on which the person is told"):
        issued(row, starts=date(2021, 3, 16), reason="since the contact")

    assert issued(row, how="verbal", told_at=NOW - DAY).starts == date(2021, 3, 19)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"until": date(2021, 4, 3)}, "reason"),
        ({"until": date(2021, 3, 19), "reason": "x"}, "until"),
        ({"until": date(2021, 8, 3), "reason": "x"}, "until"),
        ({"starts": date(2021, 4, 1), "until": date(2021, 3, 29), "reason": "x"}, "until"),
        ({"how": "pigeon"}, "how"),
        ({"told_at": NOW + DAY}, "told_at"),
        ({"told_at": NOW - 8 * DAY}, "told_at"),
        ({"legal_basis": " "}, "legal_basis"),
        ({"purpose": ""}, "legal_basis"),
        ({"legal_basis": "x" * 501}, "legal_basis"),
        ({"address": ""}, "address"),
        ({"place": "facility"}, "facility"),
        ({"place": "moon"}, "place"),
        ({"lat": None}, "lat"),
        ({"lat": 0.0, "lon": 0.0}, "lat"),
        ({"lat": 91.0}, "lat"),
    ],
)
def test_terms_that_cannot_be_are_refused_by_field_and_nothing_is_stored(given, field):
    row = drafted()
    with pytest.raises(OrderError) as refused:
        issued(row, **given)

    assert refused.value.field == field
    assert (again(row).state, Notice.objects.count(), FollowUp.objects.get().quarantine_until) == ("draft", 0, None)


def test_an_order_is_issued_once():
    row = issued()
    with pytest.raises(OrderError, match="only a draft"):
        issued(row)


def test_a_household_is_issued_together_or_not_at_all():
    source = case()
    rows = [drafted(source=source, origin="household") for _ in range(3)]
    services.withdraw_draft(rows[2].id, reason="moved out", by="otto", at=NOW)
    with pytest.raises(OrderError):
        services.issue_household([row.id for row in rows], terms(), by="otto", at=NOW)
    assert {again(row).state for row in rows[:2]} == {"draft"}

    made = services.issue_household([row.id for row in rows[:2]], terms(), by="otto", at=NOW)
    assert [unseal(one.row.address) for one in made] == ["1 Heping East Road"] * 2


def test_the_address_is_sealed_and_the_spot_can_be_read():
    row = issued()

    assert (b"Heping" in bytes(row.address), b"121" in bytes(row.spot)) == (False, False)
    assert (row.lon, row.lat) == (121.53, 25.02)
    assert "Heping" not in str(list(OrderChange.objects.values()))


def test_extending_and_shortening_need_a_reason_tell_the_person_and_ask_about_the_follow_up():
    row = issued()
    with pytest.raises(OrderError, match="say why"):
        services.change_days(row.id, until=date(2021, 4, 2), reason=" ", by="otto", at=NOW)
    longer = services.change_days(row.id, until=date(2021, 4, 2), reason="met again", by="otto", at=NOW)
    assert (longer.asks, again(row).is_extended, FollowUp.objects.get().quarantine_until) == (
        "follow_up", True, date(2021, 4, 2),
    )  # fmt: skip
    services.change_days(row.id, until=date(2021, 3, 25), reason="negative test", by="otto", at=NOW)

    assert (again(row).is_shortened, kinds(row)[-2:]) == (True, ["extended", "shortened"])
    assert Notice.objects.filter(template="order_changed").count() == 2
    assert FollowUp.objects.get().until == date(2021, 3, 29)  # its own end stays


def test_lifting_ends_an_order_and_needs_a_reason():
    row = issued()
    with pytest.raises(OrderError, match="say why"):
        services.lift_order(row.id, reason=" ", by="otto", at=NOW)
    services.lift_order(row.id, reason="wrong person", by="otto", at=NOW)

    assert (again(row).state, rules.explain(row.end_reason)) == ("lifted", ["Decided by a person: wrong person"])
    assert Notice.objects.filter(template="order_ended").count() == 1
    with pytest.raises(OrderError, match="not in force"):
        services.change_days(row.id, until=date(2021, 4, 2), reason="x", by="otto", at=NOW)


def test_a_change_can_be_taken_back_and_the_history_keeps_both():
    row = issued()
    services.change_days(row.id, until=date(2021, 4, 2), reason="met again", by="otto", at=NOW)
    first = row.changes.get(kind="extended")
    services.change_days(row.id, until=date(2021, 4, 5), reason="and again", by="otto", at=NOW)
    with pytest.raises(OrderError, match="later change"):
        services.undo(first.id, by="otto", at=NOW)
    services.undo(row.changes.filter(kind="extended").last().id, by="otto", at=NOW)
    services.undo(first.id, by="otto", at=NOW)

    assert (again(row).until, FollowUp.objects.get().quarantine_until) == (date(2021, 3, 29), date(2021, 3, 29))
    with pytest.raises(OrderError, match="cannot be taken back"):
        services.undo(first.id, by="otto", at=NOW)


def test_a_lifted_order_comes_back_while_it_could_still_hold():
    row = issued()
    services.lift_order(row.id, reason="wrong person", by="otto", at=NOW)
    line = row.changes.get(kind="lifted")
    services.undo(line.id, by="otto", at=NOW)
    assert (again(row).state, row.ended) == ("issued", None)

    services.lift_order(row.id, reason="right this time", by="otto", at=NOW)
    with pytest.raises(OrderError, match="its last day is over"):
        services.undo(row.changes.filter(kind="lifted").last().id, by="otto", at=NOW + 20 * DAY)


def test_a_move_is_told_and_taken_back_with_its_address():
    row = issued()
    services.move_order(
        row.id, place="facility", facility="Hotel One", address="2 Shore Road", lon=121.5, lat=25.1, reason="alone at home",
        by="otto", at=NOW,
    )  # fmt: skip
    assert (again(row).facility, unseal(row.address), row.lat, row.moved_at) == ("Hotel One", "2 Shore Road", 25.1, NOW)
    services.undo(row.changes.get(kind="moved").id, by="otto", at=NOW)

    assert (again(row).place, unseal(row.address), row.lat) == ("home", "1 Heping East Road", 25.02)


def test_an_order_told_by_word_of_mouth_waits_for_paper():
    row = issued(how="verbal")
    late = NOW + timedelta(hours=49)
    listed = lambda at: [one.id for one in queries.orders(at, queries.Wanted(view="unwritten"))]  # noqa: E731 -- short
    assert (listed(NOW), listed(late)) == ([], [row.id])
    services.note_told(row.id, how="written", told_at=late, by="otto", at=late)

    assert (listed(late), FollowUp.objects.get().order_kind) == ([], "official")
    assert FollowUp.objects.get().ordered_officially == date(2021, 3, 22)


def test_no_phone_is_watched_without_a_legal_basis_and_a_purpose_of_the_city():
    row = issued()
    for law, purpose in (("", ""), ("Article 1", ""), ("", "care")):
        RulePackRow.objects.all().delete()
        grounds(law, purpose)
        with pytest.raises(OrderError, match="no legal basis and purpose"):
            services.watch_order(row.id, basis="law", reason="needed", by="cora", at=NOW)
    assert (again(row).watched, AuditEntry.objects.filter(action="quarantine.watch_on").count()) == (False, 0)


def test_watching_keeps_its_grounds_is_told_written_down_and_ends_with_the_order():
    grounds()
    row = issued()
    services.watch_order(row.id, basis="law", reason="left twice", by="cora", at=NOW)

    assert (again(row).watched, row.watch_law, row.watch_purpose, list(queries.watched_orders())) == (
        True, "Article 1", "to find people who need help", [row],
    )  # fmt: skip
    entry = AuditEntry.objects.get(action="quarantine.watch_on")
    assert (entry.actor, entry.person, entry.detail["basis"]) == ("cora", row.person_id, "law")
    assert Notice.objects.filter(template="order_news").count() == 1
    with pytest.raises(OrderError, match="place on the map"):
        services.move_order(row.id, place="home", address="3 New Road", reason="moved", by="otto", at=NOW)
    services.lift_order(row.id, reason="well", by="otto", at=NOW)
    assert (again(row).watched, list(queries.watched_orders())) == (False, [])


def test_the_database_itself_refuses_watching_without_grounds():
    from django.db import IntegrityError, transaction

    row = issued()
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(id=row.id).update(watched=True)


def test_a_place_that_is_not_on_the_map_cannot_be_watched():
    grounds()
    row = issued(lon=None, lat=None)

    with pytest.raises(OrderError, match="not on the map"):
        services.watch_order(row.id, basis="law", reason="x", by="cora", at=NOW)


def test_an_appeal_keeps_what_stood_about_the_order_and_is_answered_by_somebody_else():
    row = issued()
    appeal = services.file_appeal(row.id, "I met nobody.", by="the person", at=NOW, client_id=uuid4())
    assert (appeal.evidence["until"], appeal.evidence["changes"][0]["kind"]) == ("2021-03-29", "issued")
    assert services.file_appeal(row.id, "again", by="the person", at=NOW) == appeal
    assert [one.id for one in queries.orders(NOW, queries.Wanted())] == [row.id]

    with pytest.raises(OrderError, match="somebody else"):
        services.answer_appeal(appeal.id, answer="upheld", text="no", by="otto", at=NOW)
    with pytest.raises(OrderError, match="say why"):
        services.answer_appeal(appeal.id, answer="upheld", text=" ", by="cora", at=NOW)
    services.answer_appeal(appeal.id, answer="lifted", text="You are right.", by="cora", at=NOW)
    assert (again(row).state, list(queries.orders(NOW, queries.Wanted()))) == ("lifted", [])
    with pytest.raises(OrderError, match="answered already"):
        services.answer_appeal(appeal.id, answer="upheld", text="no", by="cora", at=NOW)
    assert b"met nobody" not in bytes(appeal.text)


def test_needs_are_asked_on_the_first_day_passed_on_once_and_met():
    row, number = issued(), uuid4()
    assert [one.id for one in queries.orders(NOW, queries.Wanted(view="needs"))] == [row.id]
    asked = [NeedAsked("food", "rice", True, number), NeedAsked("pets")]
    services.tell_needs(row.id, asked, by="tina", at=NOW)
    services.tell_needs(row.id, asked, by="tina", at=NOW)

    assert (Need.objects.count(), again(row).needs_asked) == (2, NOW)
    for need in Need.objects.all():
        services.meet_need(need.id, by="tina", at=NOW)
        services.meet_need(need.id, by="otto", at=NOW + DAY)
    assert set(Need.objects.values_list("met_by", flat=True)) == {"tina"}
    assert list(queries.orders(NOW, queries.Wanted(view="needs"))) == []
    assert unseal(Need.objects.get(kind="food").text) == "rice"


def test_nothing_needed_is_an_answer_too():
    row = issued()
    services.tell_needs(row.id, [], by="tina", at=NOW)

    assert (again(row).needs_asked, Need.objects.count()) == (NOW, 0)


@pytest.mark.parametrize("asked", [NeedAsked("gold"), NeedAsked("other", " "), NeedAsked("food", "x" * 1_001)])
def test_needs_that_cannot_be_are_refused(asked):
    with pytest.raises(OrderError):
        services.tell_needs(issued().id, [asked], by="tina", at=NOW)
    assert Need.objects.count() == 0


def test_a_self_report_is_stored_once_and_the_follow_up_hears_it():
    row, number = issued(), uuid4()
    report = Report(date(2021, 3, 20), {"cough": "yes"}, Decimal("37.2"), True, number)
    assert services.self_report(row.id, report, by="the person", at=NOW) == services.self_report(
        row.id, report, by="the person", at=NOW
    )

    assert SelfReport.objects.count() == 1
    assert FollowUp.objects.get().promise.startswith("Reported symptoms by the link")


@pytest.mark.parametrize(
    "report",
    [
        Report(date(2021, 3, 21)),
        Report(date(2021, 3, 1)),
        Report(date(2021, 3, 20), {}, Decimal(50)),
        Report(date(2021, 3, 20), {"cough": "perhaps"}),
    ],
)
def test_reports_that_cannot_be_are_refused(report):
    with pytest.raises(OrderError):
        services.self_report(issued().id, report, by="the person", at=NOW)
    assert SelfReport.objects.count() == 0


def test_an_order_ends_by_itself_after_its_last_local_day_and_says_so_once():
    row = issued()
    assert (close(9), again(row).state) == ({"ended": 0, "withdrawn": 0, "asked": 0}, "issued")
    assert close(10)["ended"] == 1
    assert close(10) == {"ended": 0, "withdrawn": 0, "asked": 0}

    assert (again(row).state, rules.explain(row.end_reason)) == ("ended", ["Its last day, 2021-03-29, is over."])
    assert Notice.objects.filter(template="order_ended").count() == 1


@pytest.mark.parametrize(
    ("zone", "last", "hours"),
    [
        ("Europe/Prague", date(2021, 3, 28), 23),  # clocks go forward on the last day
        ("Europe/Prague", date(2021, 10, 31), 25),  # and back
        ("America/Bogota", date(2021, 3, 28), 24),
        ("Asia/Taipei", date(2021, 3, 28), 24),
    ],
)
def test_the_last_day_is_a_whole_local_day_however_long_it_is(settings, zone, last, hours):
    settings.EPIPOLIS_ZONE = zone
    starts = clock.start_of(last) - timedelta(days=3)
    row = issued(drafted(last_contact=last - timedelta(days=14), at=starts), at=starts)
    assert row.until == last
    ends = queries.ends_at(row)

    assert (ends - clock.start_of(last)) / timedelta(hours=1) == hours
    assert services.end_orders(ends - timedelta(seconds=1))["ended"] == 0
    assert services.end_orders(ends)["ended"] == 1


def test_a_draft_that_nobody_issued_in_time_is_withdrawn():
    row = drafted()

    assert (close(10)["withdrawn"], again(row).state, Notice.objects.count()) == (1, "withdrawn", 0)


def test_isolation_does_not_end_while_symptoms_last_and_is_asked_about():
    row = issued(ill())
    services.self_report(row.id, Report(date(2021, 3, 20), {"cough": "yes"}, None, True), by="the person", at=NOW)
    assert close(4) == {"ended": 0, "withdrawn": 0, "asked": 1}
    assert (again(row).state, row.asks["kind"]) == ("issued", "well")
    assert close(5) == {"ended": 0, "withdrawn": 0, "asked": 0}

    at = NOW + 5 * DAY
    with clock.fixed(at):
        services.note_well(row.id, well_since=date(2021, 3, 24), reason="", by="otto", at=at)
    assert (again(row).until, row.is_earliest, row.asks) == (date(2021, 3, 26), False, {})
    assert close(7)["ended"] == 1


def test_who_reports_to_be_well_is_free_after_three_days_without_waiting_for_an_officer():
    row = issued(ill())
    for day, is_ill in ((22, True), (23, False), (24, False)):
        at = local(day, 9)
        with clock.fixed(at):
            report = Report(date(2021, 3, day), {"cough": "yes" if is_ill else "no"}, None, is_ill)
            services.self_report(row.id, report, by="the person", at=at)

    assert (close(5)["ended"], again(row).state) == (0, "issued")  # the 25th is the third day without symptoms
    assert (close(6)["ended"], again(row).state) == (1, "ended")
    assert "without symptoms since 2021-03-23" in rules.explain(row.end_reason)[0]


def test_isolation_that_nobody_asks_about_does_not_last_for_ever():
    row = issued(ill())

    assert (close(10)["ended"], close(11)["ended"], again(row).state) == (0, 1, "ended")
    assert "nobody said within 7 days" in rules.explain(row.end_reason)[0]


def test_symptoms_that_come_back_ask_about_the_days():
    row = issued(ill())
    services.note_well(row.id, well_since=date(2021, 3, 18), reason="", by="otto", at=NOW)
    assert (again(row).until, row.is_earliest) == (date(2021, 3, 23), False)
    services.self_report(row.id, Report(date(2021, 3, 20), {"fever": "yes"}, None, True), by="the person", at=NOW)

    assert (again(row).state, row.asks["kind"], row.asks["is_earliest"]) == ("issued", "days", True)


def test_a_link_opens_one_order_until_a_while_after_its_end_and_a_new_one_ends_it():
    row = issued()
    link = OrderLink.objects.get()
    token = services.token_of(link)
    assert services.find_link(token, at=NOW)[1] == row
    assert token not in str(OrderLink.objects.values().get())
    fresh = services.renew_link(row.id, by="otto", at=NOW)
    assert (services.find_link(token, at=NOW), services.find_link(services.token_of(fresh), at=NOW)[1]) == (None, row)
    services.lift_order(row.id, reason="x", by="otto", at=NOW)

    assert services.find_link(services.token_of(fresh), at=NOW + 14 * DAY)
    assert services.find_link(services.token_of(fresh), at=NOW + 15 * DAY) is None
    for guess in ("", "x", "x" * 5_000, "\0" * 20, token[:-1] + "A"):
        assert services.find_link(guess, at=NOW) is None


def test_what_an_erased_person_told_is_emptied_and_the_days_stay():
    grounds()
    who = person()
    row = issued(drafted(who=who))
    services.watch_order(row.id, basis="consent", reason="x", by="cora", at=NOW)
    services.tell_needs(row.id, [NeedAsked("food", "rice")], by="tina", at=NOW)
    services.file_appeal(row.id, "I met nobody.", by="the person", at=NOW)
    people.erase_person(who.id, by="petra", at=NOW, reason="asked")

    assert (services.forget_erased(NOW), services.forget_erased(NOW)) == (1, 0)
    assert (bytes(again(row).address), bytes(row.spot), row.watched, row.until) == (b"", b"", False, date(2021, 3, 29))
    assert (bytes(Need.objects.get().text), OrderLink.objects.filter(revoked=None).count()) == (b"", 0)


def test_orders_are_erased_with_all_that_belongs_to_them_a_while_after_their_end():
    row, other = issued(), issued()
    services.file_appeal(row.id, "x", by="the person", at=NOW)
    services.lift_order(row.id, reason="x", by="otto", at=NOW)

    assert services.forget_orders(NOW, NOW + DAY) == 0
    assert services.forget_orders(NOW + DAY, NOW + DAY) == 1
    assert list(Order.objects.all()) == [other]


def test_the_history_tells_everything_in_order():
    row = issued(how="verbal")
    services.note_told(row.id, how="written", told_at=NOW, by="otto", at=NOW)
    services.change_days(row.id, until=date(2021, 4, 2), reason="met again", by="otto", at=NOW)

    assert kinds(row) == ["drafted", "issued", "written", "extended"]
    assert datetime(2021, 3, 20, 4, tzinfo=UTC) == row.changes.first().at


def test_an_import_that_comes_twice_drafts_once(deliver_events):
    from epipolis.act.followup.services import add_exposures

    from .factories import told

    known = told(person(), reference="file:1")
    for _ in range(2):
        add_exposures([known], by="import", at=NOW)
        deliver_events(twice=True)

    assert (Order.objects.count(), OrderChange.objects.count()) == (1, 1)


def test_statistics_count_what_was_issued_changed_and_helped():
    first, second = issued(), issued(how="verbal")
    services.change_days(first.id, until=date(2021, 4, 2), reason="x", by="otto", at=NOW)
    services.tell_needs(second.id, [NeedAsked("food")], by="tina", at=NOW)
    exposed()
    since, until = queries.last_days(NOW)
    found = {one.name: (one.met, one.of) for one in queries.shares(since, until)}

    assert found["issued_in_a_day"] == (2, 2)
    assert (found["extended"], found["written"], found["needs_in_a_day"], found["needs_met"]) == (
        (1, 2), (0, 1), (1, 2), (0, 1),
    )  # fmt: skip
    assert queries.by_day(since, until)[-1] == {"day": date(2021, 3, 20), "issued": 2, "ended": 0, "lifted": 0}
    assert queries.count_in_force() == {"quarantine": 2}


def test_every_job_of_the_module_can_be_run_by_the_worker():
    row = issued()
    with clock.fixed(NOW + 10 * DAY):
        for job in MODULE.jobs:
            work.run_job.func(f"quarantine.{job.run.__name__}")

    assert again(row).state == "ended"
