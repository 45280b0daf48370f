"""One story between two real offices, through a kill -9 of the sender between its request and the answer."""

import threading

import pytest

from tests.server.running import wait_until

from .offices import Office, Road

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
CASE = """
row = people.PersonRow(identifiers=[("national_id", "A123456789")], given_name="小明", family_name="王",
    birth=(1980, 3, 14), sex="M", phones=["0912 555 010"])
person = people.match_person(row, by="test", at=now()).person
from datetime import date
facts = {"classification": "confirmed", "onset": date(2026, 1, 3), "reported": date(2026, 1, 5), "symptoms": {"cough": "yes"}}
made = cases.report_case(person, facts, disease="COVID-19", source="clinic", source_key="N1", by="test", at=now())
cases.note_test(made.id, source="lab", source_ref="L1", kind="pcr", result="positive", by="test", at=now())
answer = str(made.id)
"""


@pytest.fixture(scope="module")
def offices(tmp_path_factory, fresh_home):
    found = [Office(tmp_path_factory.mktemp(name), name, fresh_home) for name in ("Northville", "Southport")]
    for one in found:
        one.open()
    for one in found:
        one.start()
    yield found
    for one in found:
        one.close()


@pytest.fixture(scope="module")
def road(offices):
    made = Road(offices[1].port)
    yield made
    made.close()


def states(office: Office) -> list[tuple[str, str]]:
    return [(one["direction"], one["state"]) for one in office.ask("GET", "/?limit=10")["items"]]


def test_a_case_is_handed_over_once_whatever_dies_and_comes_home_again(offices, road):
    north, south = offices
    to_south = north.knows(south, road.port)
    to_north = south.knows(north, north.port)
    case = north.tell(CASE)
    killed = threading.Event()

    def cut() -> None:
        north.kill()
        killed.set()

    road.cut = cut
    sent = north.ask("POST", "/", {"case": case, "partner": to_south, "what": "handover", "message": "moved", "send": True})
    assert sent["state"] == "sent"
    assert killed.wait(60)
    assert states(south) == [("in", "received")]

    north.start()
    wait_until(lambda: states(north) == [("out", "received")], 90)
    assert states(south) == [("in", "received")]

    arrived = south.ask("GET", "/")["items"][0]
    assert (arrived["message"], arrived["owner"]) == ("moved", "Northville")
    accepted = south.ask("POST", f"/{arrived['id']}/accept")
    assert (accepted["state"], accepted["owner"]) == ("accepted", "Southport")
    wait_until(lambda: states(north) == [("out", "accepted")], 60)
    assert north.ask("GET", "/")["items"][0]["owner"] == "Southport"
    assert north.tell(f"answer = case_queries.case(UUID('{case}')).owner") == "Southport"

    there = accepted["case"]
    told = south.tell(
        f"found = case_queries.case(UUID('{there}'))\n"
        "record = people_queries.record_of(found.person_id, by='test', at=now(), why='case')\n"
        "answer = [found.source, found.source_key, str(found.onset), found.symptoms, found.owner, record.name.full,"
        " [one.result for one in case_queries.tests_of(found.id)]]"
    )
    assert told == ["Northville: clinic", "N1", "2026-01-03", {"cough": "yes"}, "", "王小明", ["positive"]]
    refused = north.tell(
        f"try:\n    cases.revise_case(UUID('{case}'), {{'note': 'x'}}, by='test', at=now())\n"
        "except cases.NotOursError as error:\n    answer = error.owner"
    )
    assert refused == "Southport"

    south.tell(
        "from datetime import date\n"
        f"cases.revise_case(UUID('{there}'), {{'hospitalised': date(2026, 1, 9)}}, by='test', at=now())"
    )
    south.ask("POST", "/", {"case": there, "partner": to_north, "what": "handover", "send": True})
    wait_until(lambda: ("in", "received") in states(north), 60)
    back = next(one for one in north.ask("GET", "/?direction=in")["items"])
    assert north.ask("POST", f"/{back['id']}/accept")["case"] == case
    told = north.tell(f"found = case_queries.case(UUID('{case}'))\nanswer = [found.owner, str(found.hospitalised)]")
    assert told == ["", "2026-01-09"]
    assert north.tell("answer = case_queries.line_list(None).count()") == 1
    wait_until(lambda: south.tell(f"answer = case_queries.case(UUID('{there}')).owner") == "Northville", 60)


def test_a_shared_case_is_read_without_a_name_kept_in_step_and_the_owner_wins(offices, road):
    north, south = offices
    case = north.tell(CASE.replace('"N1"', '"N2"').replace("A123456789", "B987654321").replace('"L1"', '"L2"'))
    partner = north.tell("row = queries.partners().first()\nrow.may_change = True\nrow.save()\nanswer = row.id")
    north.ask("POST", "/", {"case": case, "partner": partner, "what": "share", "send": True})
    wait_until(lambda: south.ask("GET", "/?state=received")["items"], 60)
    copy = south.ask("GET", "/?state=received")["items"][0]
    south.ask("POST", f"/{copy['id']}/accept")
    document = f"queries.document(queries.transfer(UUID('{copy['id']}')))"
    told = south.tell(f"answer = queries.encode({document})")
    assert not [one for one in ("王", "小明", "0912", "B987654321", "N2", "03-14", '"L2"') if one in told]
    assert '"onset":"2026-01-03"' in told
    wait_until(lambda: north.ask("GET", "/?direction=out&state=accepted")["items"][0]["what"] == "share", 60)

    north.tell(f"from datetime import date\ncases.revise_case(UUID('{case}'), {{'onset': date(2026, 1, 2)}}, by='t', at=now())")
    wait_until(lambda: south.tell(f"answer = str({document}.onset)") == "2026-01-02", 60)

    north.kill()
    south.tell(
        "from datetime import date\n"
        f"services.change_shared(UUID('{copy['id']}'), {{'onset': date(2026, 1, 1), 'hospitalised': date(2026, 1, 8)}},"
        " by='reader', at=now())"
    )
    north.tell(f"cases.revise_case(UUID('{case}'), {{'onset': date(2025, 12, 30)}}, by='owner', at=now())")
    north.start()
    wait_until(lambda: south.tell(f"answer = str({document}.hospitalised)") == "2026-01-08", 90)
    assert south.tell(f"answer = str({document}.onset)") == "2025-12-30"
    told = north.tell(f"found = case_queries.case(UUID('{case}'))\nanswer = [str(found.onset), str(found.hospitalised)]")
    assert told == ["2025-12-30", "2026-01-08"]
    lost = south.tell(
        f"answer = [[one.kept, one.lost, one.ours] for one in queries.losses_of(queries.transfer(UUID('{copy['id']}')))]"
    )
    assert lost == [["2025-12-30", "2026-01-01", True]]
