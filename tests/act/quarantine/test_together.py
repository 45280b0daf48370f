"""Many drafts are issued together: each with its own days and address, and one that cannot be holds up no other."""

from datetime import date

import pytest

from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.models import Order
from epipolis.act.quarantine.queries import Wanted
from epipolis.core.models import AuditEntry, TaskRun
from epipolis.core.sealing import unseal
from epipolis.core.work import silent
from epipolis.sense.people import services as people

from .factories import NOW, drafted, ill, issued

pytestmark = pytest.mark.django_db
SAME = {"how": "written", "told_at": "2021-03-20T12:00", "legal_basis": "the law", "purpose": "to protect others"}


@pytest.fixture
def tina(staff):
    return staff("tracer", name="tina")


@pytest.fixture
def officer(client, tina):
    client.force_login(tina)
    return client


def living(address="7 Quay Street", **fields):
    found, _ = people.find_or_make_person(
        [], by="test", at=NOW, given_name="Ana", family_name="Torres", address=address, **fields
    )
    return found


def issue(rows, by):
    told = SAME | {"told_at": NOW.isoformat()}
    return services.issue_together(silent(), [row.id for row in rows], by=by.username, **told)


def test_each_is_issued_with_its_own_days_at_its_own_address(tina):
    rows = [drafted(who=living(address)) for address in ("7 Quay Street", "8 Quay Street")]

    assert issue(rows, tina) == {"issued": 2, "refused": []}
    found = Order.objects.order_by("id")
    assert [(row.state, row.until, unseal(row.address), row.issued_by) for row in found] == [
        ("issued", rows[0].until, "7 Quay Street", "tina"),
        ("issued", rows[1].until, "8 Quay Street", "tina"),
    ]
    assert AuditEntry.objects.filter(action="people.read", actor="tina", detail__why="order").count() == 2


def test_what_cannot_be_issued_is_named_and_the_others_are_issued(tina):
    good, homeless, thrown = drafted(who=living()), drafted(who=living(address="")), drafted(who=living())
    services.withdraw_draft(thrown.id, reason="twice", by=tina, at=NOW)

    found = issue([good, homeless, thrown], tina)

    assert found["issued"] == 1
    assert [one["order"] for one in found["refused"]] == [homeless.id, thrown.id]
    assert "no address is known" in found["refused"][0]["rule"]
    assert Order.objects.get(id=homeless.id).state == "draft"


def test_a_run_that_begins_again_issues_the_rest_and_counts_all(tina):
    rows = [drafted(who=living()) for _ in range(3)]
    issue(rows[:1], tina)
    changes = queries.changes_of(rows[0]).count()

    assert issue(rows, tina) == {"issued": 3, "refused": []}
    assert queries.changes_of(rows[0]).count() == changes


def test_what_somebody_else_issued_meanwhile_is_not_counted_as_ones_own(tina):
    row = issued(drafted(who=living()))

    assert issue([row], tina)["refused"][0]["order"] == row.id


def test_chosen_on_the_list_looked_at_and_issued_on_the_pages(officer, tina, deliver_events):
    rows = [drafted(who=living()) for _ in range(2)]
    homeless = drafted(who=living(address=""))
    chosen = [row.id for row in (*rows, homeless)]
    listed = officer.get("/quarantine/").content.decode()
    assert all(f'value="{number}" form="together"' in listed for number in chosen)

    asked = officer.get("/quarantine/together/", {"orders": chosen}).content.decode()
    assert asked.count("checked>") == 3
    started = officer.post("/quarantine/together/", SAME | {"orders": chosen})
    assert started.status_code == 302
    assert "Waiting for its turn" in officer.get(started.url).content.decode()
    deliver_events()

    shown = officer.get(started.url).content.decode()
    assert "2 orders are issued, and the people are told." in shown
    assert homeless.number in shown
    assert "no address is known" in shown
    assert Order.objects.filter(state="issued").count() == 2


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"orders": []}, "Choose at least one draft"),
        ({"orders": ["x", "-1", "9" * 30]}, "Choose at least one draft"),
        ({"how": "shouted"}, "shouted is not one of the available choices"),
        ({"purpose": ""}, "This field is required"),
        ({"told_at": "yesterday"}, "Enter a valid date/time"),
        ({"orders": [str(one) for one in range(1, 202)]}, "at most 200"),
    ],
)
def test_what_cannot_be_is_refused_and_starts_nothing(officer, told, says):
    chosen = {"orders": [drafted(who=living()).id]}

    refused = officer.post("/quarantine/together/", SAME | chosen | told)

    assert refused.status_code == 422
    assert says.casefold() in refused.content.decode().casefold()
    assert TaskRun.objects.count() == 0


def test_who_may_not_issue_chooses_nothing_and_starts_nothing(client, staff):
    row = drafted(who=living())
    client.force_login(staff("epidemiologist"))

    assert "order-pick" not in client.get("/quarantine/").content.decode()
    assert client.get("/quarantine/together/").status_code == 403
    assert client.post("/quarantine/together/", SAME | {"orders": [row.id]}).status_code == 403
    assert (TaskRun.objects.count(), Order.objects.get().state) == (0, "draft")


def test_the_run_of_another_officer_is_not_found(officer, staff, client):
    started = officer.post("/quarantine/together/", SAME | {"orders": [drafted(who=living()).id]})
    client.force_login(staff("commander", name="cora"))

    assert client.get(started.url).status_code == 404


def test_what_prevents_most_is_decided_first():
    ends_soon, stays = drafted(who=living()), drafted(who=living(), last_contact=date(2021, 3, 18))
    isolation = ill()

    assert [row.id for row in queries.orders(NOW, Wanted())] == [isolation.id, stays.id, ends_soon.id]
    assert stays.until > ends_soon.until
