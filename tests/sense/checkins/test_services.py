from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from epipolis.core import clock, retention
from epipolis.core.models import AuditEntry, DeletionReceipt
from epipolis.sense.checkins import queries, services
from epipolis.sense.checkins.models import Visit

from .factories import NOW, hours, item, person, place, record, rule, stays, venue

pytestmark = pytest.mark.django_db


def test_a_check_in_ends_by_itself_after_the_usual_stay_of_the_venue():
    cafe, visitor = venue(), uuid4()

    assert record(item(visitor)) == [201]

    assert stays(visitor) == [(cafe.place_id, NOW, NOW + timedelta(minutes=90), True)]


def test_sent_twice_a_check_in_is_stored_once_and_answered_the_same():
    venue()
    one, other = item(), item()

    assert record(one) == [201]
    assert record(one, other, other) == [200, 201, 200]

    assert Visit.objects.count() == 2


def test_checking_in_elsewhere_ends_the_open_visit():
    cafe, shop, visitor = venue(), venue("shop", "retail"), uuid4()

    record(item(visitor, arrived=NOW - hours(1)))
    record(item(visitor, "shop", NOW))

    assert stays(visitor) == [
        (cafe.place_id, NOW - hours(1), NOW, False),
        (shop.place_id, NOW, NOW + timedelta(minutes=45), True),
    ]


def test_check_ins_that_come_in_the_wrong_order_end_each_other_all_the_same():
    visitor = uuid4()
    venue(), venue("shop", "retail")

    record(item(visitor, "shop", NOW))
    record(item(visitor, arrived=NOW - hours(1)))

    assert [(arrived, left, is_open) for _, arrived, left, is_open in stays(visitor)] == [
        (NOW - hours(1), NOW, False),
        (NOW, NOW + timedelta(minutes=45), True),
    ]


def test_check_ins_of_one_batch_end_each_other():
    visitor = uuid4()
    venue(), venue("shop", "retail")

    record(item(visitor, "shop", NOW), item(visitor, arrived=NOW - hours(1)))

    assert [left for _, _, left, _ in stays(visitor)] == [NOW, NOW + timedelta(minutes=45)]


def test_a_repeat_that_says_when_the_visitor_left_closes_the_open_visit():
    venue()
    visitor = uuid4()

    record(item(visitor))
    assert record(item(visitor, left=NOW + timedelta(minutes=20))) == [200]

    assert stays(visitor)[0][2:] == (NOW + timedelta(minutes=20), False)


def test_a_visit_known_by_its_day_ends_nothing():
    cafe, who = venue(), person()
    record(item(who, arrived=NOW))

    services.tell_route(who, [services.Stop(cafe.place_id, day=NOW.date())], by="test", at=NOW)

    assert queries.open_visit(who, NOW + timedelta(minutes=1)) is not None


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"arrived": NOW + timedelta(minutes=9)}, (201, "")),
        ({"arrived": NOW + timedelta(minutes=11)}, (422, "arrived")),
        ({"arrived": NOW - timedelta(days=27)}, (201, "")),
        ({"arrived": NOW - timedelta(days=29)}, (422, "arrived")),
        ({"left": NOW - timedelta(minutes=1)}, (422, "left")),
        ({"left": NOW + timedelta(hours=25)}, (422, "left")),
        ({"stay_minutes": 5}, (201, "")),
        ({"place": "nowhere"}, (422, "place")),
        ({"place": ""}, (422, "place")),
        ({"place": "a\0b"}, (422, "place")),
        ({"venue": "forged"}, (422, "place")),
        ({"arrived": datetime(9999, 12, 31, 23, tzinfo=UTC)}, (422, "arrived")),
        ({"left": datetime(9999, 12, 31, 23, tzinfo=UTC)}, (422, "left")),
        ({"sent": NOW - hours(1)}, (422, "sent")),
        ({"sent": NOW + hours(1)}, (422, "sent")),
        ({"sent": NOW - timedelta(minutes=5)}, (201, "")),
    ],
)
def test_each_rule_of_times_and_places_is_kept(facts, expected):
    venue()

    assert rule(item(**facts)) == expected


def test_a_clock_that_is_a_little_off_is_taken_and_flagged():
    venue()

    record(item(sent=NOW - timedelta(minutes=5)), item(arrived=NOW + timedelta(minutes=5)), item(sent=NOW))

    assert AuditEntry.objects.filter(action="checkins.record").latest("id").detail["flagged"] == 2


def test_a_late_report_is_stored_with_its_own_time():
    venue()
    visitor = uuid4()

    record(item(visitor, arrived=NOW - timedelta(days=3), stay_minutes=30))

    assert stays(visitor)[0][1] == NOW - timedelta(days=3)


def test_a_bad_item_does_not_take_the_others_of_its_batch_with_it():
    venue()

    assert record(item(), item(place="nowhere"), item()) == [201, 422, 201]


def test_one_batch_leaves_one_entry_in_the_trail_and_no_visitor_in_it():
    venue()
    visitor = uuid4()

    record(item(visitor), item())

    entry = AuditEntry.objects.get(action="checkins.record")
    assert (entry.actor, entry.detail["rows"]) == ("test", 2)
    assert str(visitor) not in str(entry.detail)


def test_a_closed_venue_takes_nobody_until_it_opens_again():
    cafe = venue()

    services.close_venue(cafe, by="test", at=NOW)
    assert rule(item(arrived=NOW + timedelta(minutes=1)), NOW + timedelta(minutes=1)) == (422, "arrived")
    services.reopen_venue(cafe, by="test", at=NOW + timedelta(minutes=2))

    assert rule(item(arrived=NOW + timedelta(minutes=3)), NOW + timedelta(minutes=3)) == (201, "")


def test_an_event_takes_people_only_while_it_lasts_and_ends_their_stay_with_it():
    fair = venue("fair", "cultural", opens=NOW, closes=NOW + hours(1))
    visitor = uuid4()

    assert rule(item(place="fair", arrived=NOW - timedelta(minutes=1))) == (422, "arrived")
    assert record(item(visitor, "fair", NOW)) == [201]

    assert stays(visitor) == [(fair.place_id, NOW, NOW + hours(1), True)]


def test_a_venue_code_stands_for_its_place_until_the_code_is_renewed():
    cafe = venue()
    code = services.code_of(cafe)

    assert rule(item(place="", venue=code)) == (201, "")
    services.renew_code(cafe, by="test", at=NOW + hours(3))

    assert rule(item(place="", venue=code)) == (422, "place")
    assert rule(item(place="", venue=services.code_of(cafe))) == (201, "")


def test_a_code_is_not_renewed_while_somebody_is_there():
    cafe = venue()
    record(item())

    with pytest.raises(ValueError, match="checked in there now"):
        services.renew_code(cafe, by="test", at=NOW + timedelta(minutes=1))
    services.renew_code(cafe, by="test", at=NOW + timedelta(minutes=1), though_not_empty=True)

    assert cafe.key_number == 2


@pytest.mark.parametrize("change", range(28))
def test_a_code_with_any_letter_changed_is_forged(change):
    code = services.write_code(12345, 3)
    letter = "A" if code[change] != "A" else "B"

    assert services.read_code(code) == (12345, 3)
    assert services.read_code(code[:change] + letter + code[change + 1 :]) is None


def test_a_phones_code_can_be_read_out_and_a_slip_is_noticed():
    visitor = uuid4()
    spelled = services.spell(visitor)

    assert services.unspell(spelled.lower().replace("-", " ")) == visitor
    assert services.unspell(str(visitor)) == visitor
    with pytest.raises(ValueError, match="letter"):
        services.unspell(("Z" if spelled[3] != "Z" else "Y").join([spelled[:3], spelled[4:]]))


def test_checking_out_ends_the_visit_at_once():
    venue()
    visitor = uuid4()
    record(item(visitor))

    assert services.check_out(visitor, at=NOW + timedelta(minutes=20))
    assert not services.check_out(visitor, at=NOW + timedelta(minutes=21))

    assert stays(visitor)[0][2:] == (NOW + timedelta(minutes=20), False)


def test_a_visit_whose_time_is_over_is_checked_out_by_itself():
    venue()
    record(item(), item(arrived=NOW + timedelta(minutes=5)))

    assert services.end_due_visits(at=NOW + timedelta(minutes=92)) == 1
    assert services.end_due_visits(at=NOW + timedelta(minutes=92)) == 0


def test_companions_and_staff_are_counted_where_they_are():
    cafe = venue()
    record(item(companions=2), item(staff=True, stay_minutes=480))

    assert queries.here_now(NOW + timedelta(minutes=1)) == {cafe.place_id: 4}
    assert queries.here_now(NOW + hours(4)) == {cafe.place_id: 1}


def test_a_told_stop_is_exact_with_times_and_a_whole_possible_day_without(noon):
    cafe, who = venue(), person()
    day = date(2026, 5, 1)

    told = services.tell_route(
        who,
        [services.Stop(cafe.place_id, day=day), services.Stop(cafe.place_id, NOW - hours(3), NOW - hours(2))],
        by="test",
        at=NOW,
    )

    assert (told.stored, told.unchanged, told.rejected) == (2, 0, ())
    found = queries.visits_of([who], since=NOW - timedelta(days=9), until=NOW)
    assert [(s.arrived, s.left, s.exact) for s in found] == [
        (clock.start_of(day), clock.start_of(date(2026, 5, 2)), False),
        (NOW - hours(3), NOW - hours(2), True),
    ]


def test_a_route_told_again_changes_nothing():
    cafe, who = venue(), person()
    stop = services.Stop(cafe.place_id, NOW - hours(3), NOW - hours(2))

    first = services.tell_route(who, [stop], by="test", at=NOW)
    again = services.tell_route(who, [stop], by="test", at=NOW)

    assert (first.stored, again.stored, again.unchanged) == (1, 0, 1)
    assert AuditEntry.objects.filter(action="checkins.tell", person=who).count() == 1


def test_a_wrongly_told_stop_can_be_taken_back_but_a_check_in_cannot():
    cafe, who = venue(), person()
    record(item(who))
    services.tell_route(who, [services.Stop(cafe.place_id, NOW - hours(3), NOW - hours(2))], by="test", at=NOW)

    assert services.forget_stop(who, cafe.place_id, NOW - hours(3), by="test", at=NOW)
    assert not services.forget_stop(who, cafe.place_id, NOW, by="test", at=NOW)

    assert len(stays(who)) == 1


def test_a_linked_phone_belongs_to_its_person_and_to_nobody_else():
    venue()
    phone, who, other = uuid4(), person(), person("B2")

    assert services.link_visitor(phone, who, by="test", at=NOW)
    assert not services.link_visitor(phone, who, by="test", at=NOW)
    with pytest.raises(ValueError, match="somebody else"):
        services.link_visitor(phone, other, by="test", at=NOW)

    assert queries.visitors_of(who) == [who, phone]
    assert queries.person_of([phone, who, uuid4()]) == {phone: who, who: who}


def test_visits_near_are_those_of_others_that_overlap(noon):
    cafe, bar = venue(), venue("bar")
    me, friend, late, elsewhere = (uuid4() for _ in range(4))
    record(item(me, left=NOW + hours(1)), item(friend, arrived=NOW - hours(1), left=NOW + timedelta(minutes=1)))
    record(item(late, arrived=NOW - hours(2), left=NOW), item(elsewhere, "bar", left=NOW + hours(1)))
    own = queries.visits_of([me], since=NOW - hours(1), until=NOW + hours(2))

    assert [stay.visitor for stay in queries.visits_near(own)] == [friend]
    assert queries.visits_near([]) == []
    assert bar.place_id != cafe.place_id


def test_what_stays_in_the_air_reaches_those_who_come_a_little_later(noon):
    venue()
    me, after = uuid4(), uuid4()
    record(item(me, left=NOW + timedelta(minutes=30)), item(after, arrived=NOW + timedelta(minutes=9)))
    record(item(after, arrived=NOW + timedelta(minutes=40)), at=NOW + timedelta(minutes=40))
    own = queries.visits_of([me], since=NOW - hours(1), until=NOW + hours(2))

    lingering = queries.visits_near(own, lingering=timedelta(minutes=30))

    assert [stay.arrived for stay in lingering] == [NOW + timedelta(minutes=9), NOW + timedelta(minutes=40)]


def test_the_whole_citys_visits_come_as_a_table_with_one_number_a_person():
    cafe = venue()
    phone, who = uuid4(), person()
    services.link_visitor(phone, who, by="test", at=NOW)
    record(item(who, left=NOW + hours(1)), item(phone, arrived=NOW - hours(2), left=NOW - hours(1)), item())

    table = queries.arrow_visits(NOW - timedelta(days=1), NOW + timedelta(days=1))

    names = table.column("visitor_id").combine_chunks().to_pylist()
    numbers = table.column("visitor").to_pylist()
    assert sorted(names.count(name) for name in set(names)) == [1, 2]
    assert {numbers[i] for i, name in enumerate(names) if name == who.bytes} == {numbers[names.index(who.bytes)]}
    assert set(table.column("place").to_pylist()) == {cafe.place_id}
    assert sorted(table.column("left").to_pylist())[0] == int((NOW - hours(1)).timestamp())


def test_check_ins_are_erased_after_their_time_and_told_routes_after_theirs():
    cafe, who = venue(), person()
    services.tell_route(who, [services.Stop(cafe.place_id, day=date(2026, 5, 1))], by="test", at=NOW)
    record(item(), item(arrived=NOW - timedelta(days=5), stay_minutes=20))
    left = []

    for days in (0, 24, 27, 29, 179, 181):
        with clock.fixed(NOW + timedelta(days=days)):
            retention.enforce(at=clock.now())
            left.append(Visit.objects.count())

    assert left == [3, 2, 2, 1, 1, 0]
    receipts = DeletionReceipt.objects.filter(what__in=("check-ins", "told routes")).order_by("at")
    assert [(r.what, r.rows) for r in receipts] == [("check-ins", 1), ("check-ins", 1), ("told routes", 1)]


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("spaceship", {}),
        ("cultural", {}),
        ("cultural", {"opens": NOW, "closes": NOW}),
        ("retail", {"opens": NOW, "closes": NOW + hours(1)}),
        ("retail", {"default_stay": 2000}),
    ],
)
def test_a_venue_that_breaks_a_rule_is_not_registered(kind, facts):
    where = place()

    with pytest.raises(ValueError, match=r"."):
        services.register_venue(where, kind, by="test", at=NOW, **facts)
