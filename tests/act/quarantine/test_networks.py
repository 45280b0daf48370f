"""Networks that are asked where a terminal is: one contract for each, over a server on this machine, and the made-up one."""

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree as ET

import pytest

from epipolis.act.quarantine import services
from epipolis.act.quarantine.models import Alarm, Watch
from epipolis.act.quarantine.services import asking
from epipolis.act.quarantine.services.networks import Camara, Mlp, NetworkError, SimulatedNetwork, network_of
from epipolis.act.quarantine.services.networks.camara import read_camara
from epipolis.act.quarantine.services.networks.mlp import read_mlp
from epipolis.act.quarantine.settings import settings
from epipolis.core.models import AuditEntry
from epipolis.sense.people import services as people

from .factories import NOW, drafted, issued
from .fences import AWAY, HOME, watched

HERE, ABSENT = "+886912345678", "+886900000001"
SEEN = datetime(2021, 3, 20, 12, 0, tzinfo=UTC)


class Operator:
    """What both servers know, and what was asked of them."""

    def __init__(self):
        self.places, self.seen, self.asked, self.is_down, self.secret = {HERE: HOME}, SEEN, [], False, ""


def angle(value, letters):
    seconds = round(abs(value) * 3_600 * 100)
    degrees, minutes = seconds // 360_000, seconds // 6_000 % 60
    return f"{degrees} {minutes} {seconds % 6_000 / 100:.2f}{letters[value < 0]}"


def as_mlp(operator, body):
    root = ET.fromstring(body)  # noqa: S314 -- it is our own request
    operator.secret = root.findtext("hdr/client/pwd")
    found = []
    for one in root.iterfind("slir/msids/msid"):
        number = f"+{one.text}"
        operator.asked.append(number)
        if place := operator.places.get(number):
            here = operator.seen.astimezone(UTC) + timedelta(hours=8)
            coord = f"<coord><X>{angle(place[1], 'NS')}</X><Y>{angle(place[0], 'EW')}</Y></coord>"
            what = f'<time utc_off="+0800">{here:%Y%m%d%H%M%S}</time><shape><CircularArea>{coord}<radius>400</radius>'
            what = f"<pd>{what}</CircularArea></shape></pd>"
        else:
            what = '<poserr><result resid="5">ABSENT SUBSCRIBER</result><time>20210320120000</time></poserr>'
        found.append(f'<pos><msid type="MSISDN">{one.text}</msid>{what}</pos>')
    head = '<?xml version="1.0"?><!DOCTYPE svc_result SYSTEM "MLP_SVC_RESULT_310.DTD">'
    return 200, f'{head}<svc_result ver="3.1.0"><slia ver="3.1.0">{"".join(found)}</slia></svc_result>'.encode()


def as_camara(operator, body):
    number = json.loads(body)["device"]["phoneNumber"]
    operator.asked.append(number)
    if number not in operator.places:
        told = {"status": 404, "code": "LOCATION_RETRIEVAL.DEVICE_NOT_FOUND", "message": "not found"}
        return 404, json.dumps(told).encode()
    lon, lat = operator.places[number]
    area = {"areaType": "CIRCLE", "center": {"latitude": lat, "longitude": lon}, "radius": 400}
    return 200, json.dumps({"lastLocationTime": operator.seen.isoformat(), "area": area}).encode()


@contextmanager
def serving(operator, answer):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if answer is as_camara:
                operator.secret = self.headers["Authorization"].removeprefix("Bearer ")
            status, told = (503, b"") if operator.is_down else answer(operator, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_told):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/location"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(params=["mlp", "camara", "simulated"])
def network(request):
    """An adapter and what stands behind it."""
    operator = Operator()
    if request.param == "simulated":
        operator.secret = "s3cret"
        yield SimulatedNetwork(operator.places, lambda: SEEN), operator
        return
    kind, answer = (Mlp, as_mlp) if request.param == "mlp" else (Camara, as_camara)
    with serving(operator, answer) as address:
        yield (Mlp(address, user="city", password="s3cret") if kind is Mlp else Camara(address, token="s3cret")), operator


def test_each_number_has_one_answer_in_its_order_with_place_error_and_time(network):
    adapter, operator = network

    found = adapter.locate([ABSENT, HERE, "0912"])

    absent, here, short = found
    assert (here.number, here.time, here.source, here.why) == (HERE, int(SEEN.timestamp()), "cell", "")
    assert (here.lon, here.lat) == pytest.approx(HOME, abs=0.02)
    assert 300 <= here.accuracy <= 500
    assert (absent.time, absent.lon) == (None, None)
    assert absent.why
    assert short.time is None
    assert operator.secret == "s3cret"


def test_an_operator_that_is_away_is_an_error_and_nobody_is_located(network):
    adapter, operator = network
    operator.is_down = True
    if isinstance(adapter, SimulatedNetwork):
        adapter = SimulatedNetwork({}, lambda: SEEN, is_down=True)

    with pytest.raises(NetworkError):
        adapter.locate([HERE])


@pytest.mark.parametrize("kind", [Mlp, Camara])
def test_an_operator_that_is_not_there_at_all_is_an_error(kind):
    with pytest.raises(NetworkError):
        kind("http://127.0.0.1:9/", seconds=2.0).locate([HERE])


@pytest.mark.parametrize("kind", [Mlp, Camara])
def test_numbers_leave_this_machine_only_encrypted(kind):
    with pytest.raises(ValueError, match="https"):
        kind("http://operator.example/")


def mlp(pos):
    return f'<svc_result xmlns="x"><slia ver="3.1.0"><pos><msid>886912345678</msid>{pos}</pos></slia></svc_result>'.encode()


def pd(shape, time='<time utc_off="-0730">20210320043000</time>'):
    return mlp(f"<pd>{time}<shape>{shape}</shape></pd>")


COORD = "<coord><X>25 01 12.00N</X><Y>121 31 48.00E</Y></coord>"


@pytest.mark.parametrize(
    ("shape", "radius"),
    [
        (f"<CircularArea>{COORD}<radius>400</radius></CircularArea>", 400),
        ("<CircularArea><coord><X>25.02</X><Y>121.53</Y></coord><radius>400</radius></CircularArea>", 400),
        ("<CircularArea><coord><X>121.53E</X><Y>25.02N</Y></coord><radius>400</radius></CircularArea>", 400),
        (f"<EllipticalArea>{COORD}<angle>10</angle><semiMajor>700</semiMajor><semiMinor>90</semiMinor></EllipticalArea>", 700),
        (f"<CircularArcArea>{COORD}<inRadius>10</inRadius><outRadius>900</outRadius></CircularArcArea>", 900),
        (f"<Point>{COORD}</Point>", None),
        (
            "<Polygon><outerBoundaryIs><LinearRing>"
            + "".join(f"<coord><X>{25.02 + y}</X><Y>{121.53 + x}</Y></coord>" for x, y in ((0.01, 0), (-0.01, 0), (0, 0)))
            + "</LinearRing></outerBoundaryIs></Polygon>",
            1_008,
        ),
    ],
)
def test_the_shapes_of_mlp_become_circles(shape, radius):
    found = read_mlp(pd(shape))[0]

    assert (found.lon, found.lat) == pytest.approx((121.53, 25.02))
    assert found.accuracy == (None if radius is None else pytest.approx(radius, rel=1e-3))
    assert found.time == int(SEEN.timestamp())


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (pd(f"<CircularArea>{COORD}<radius>wide</radius></CircularArea>"), "no number"),
        (pd(f"<CircularArea>{COORD}<radius>-5</radius></CircularArea>"), "no radius"),
        (pd(f"<CircularArea>{COORD}<radius>nan</radius></CircularArea>"), "no radius"),
        (pd("<CircularArea><radius>5</radius></CircularArea>"), "without a place"),
        (pd("<CircularArea><coord><X>95.0</X><Y>1.0</Y></coord><radius>5</radius></CircularArea>"), "no place on the globe"),
        (pd("<CircularArea><coord><X>here</X><Y>1.0</Y></coord><radius>5</radius></CircularArea>"), "no angle"),
        (pd("<CircularArea><coord><X>1.0N</X><Y>1.0N</Y></coord><radius>5</radius></CircularArea>"), "two latitudes"),
        (pd("<Blob/>"), "not known"),
        (mlp("<pd/>"), "without a shape"),
        (pd(f"<Point>{COORD}</Point>", "<time>yesterday</time>"), "the time"),
        (pd(f"<Point>{COORD}</Point>", "<time>20211399000000</time>"), "month must be in"),
        (pd("<Polygon/>"), "without points"),
        (mlp('<poserr><result resid="5">ABSENT</result></poserr>'), "5 ABSENT"),
    ],
)
def test_a_place_that_cannot_be_read_says_why_and_others_stay(body, why):
    good = pd(f"<Point>{COORD}</Point>").decode().split("<slia")[1]
    both = body.replace(b"</svc_result>", f"<slia{good}".encode())

    bad, fine = read_mlp(both)

    assert bad.lon is None
    assert why in bad.why
    assert fine.lon == pytest.approx(121.53)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"<svc_result/>",
        b"<svc_result><slia><pos>",
        b'<svc_result><slia><result resid="1">SYSTEM FAILURE</result></slia></svc_result>',
        b'<!DOCTYPE a [<!ENTITY x "y">]><svc_result><slia><pos><msid>&x;</msid></pos></slia></svc_result>',
        b'<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;&x;">]><svc_result><slia/></svc_result>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><svc_result><slia><pos><msid>&x;</msid></pos></slia></svc_result>',
        b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/">%x;]><svc_result><slia/></svc_result>',
        b"<slia>" + b"<a>" * 5_000 + b"</a>" * 5_000 + b"</slia>",
    ],
)
def test_what_is_no_answer_or_means_harm_is_refused_as_a_whole(body):
    with pytest.raises(NetworkError):
        read_mlp(body)


@pytest.mark.parametrize(
    "told",
    [
        {},
        [],
        {"lastLocationTime": "2021-03-20T12:00:00", "area": {"areaType": "CIRCLE"}},
        {"lastLocationTime": "soon", "area": {"areaType": "CIRCLE", "center": {"latitude": 1, "longitude": 1}, "radius": 1}},
        {
            "lastLocationTime": "2021-03-20T12:00:00Z",
            "area": {"areaType": "CIRCLE", "center": {"latitude": 91, "longitude": 1}, "radius": 1},
        },
        {"lastLocationTime": "2021-03-20T12:00:00Z", "area": {"areaType": "POLYGON", "boundary": []}},
        {"lastLocationTime": "2021-03-20T12:00:00Z", "area": {"areaType": "BLOB"}},
    ],
)
def test_an_answer_of_camara_that_cannot_be_read_says_why(told):
    found = read_camara(HERE, json.dumps(told).encode())

    assert found.lon is None
    assert found.why


def test_a_polygon_of_camara_is_the_circle_around_it():
    corners = [{"latitude": 25.02, "longitude": 121.53 + x} for x in (0.01, -0.01, 0.0)]
    area = {"areaType": "POLYGON", "boundary": corners}
    found = read_camara(HERE, json.dumps({"lastLocationTime": "2021-03-20T20:00:00+08:00", "area": area}).encode())

    assert (found.lon, found.lat, found.time) == (pytest.approx(121.53), pytest.approx(25.02), int(SEEN.timestamp()))
    assert found.accuracy == pytest.approx(1_008, rel=1e-3)


def test_settings_that_name_no_network_or_no_address_say_so(monkeypatch):
    assert network_of("") is None
    with pytest.raises(ValueError, match="NETWORK: is one of"):
        network_of("telepathy")
    with pytest.raises(ValueError, match="NETWORK_URL"):
        network_of("mlp")


@contextmanager
def asked_with(monkeypatch, **given):
    own = type(settings)(**given)
    for module in (asking, __import__("epipolis.act.quarantine.services.networks", fromlist=["settings"])):
        monkeypatch.setattr(module, "settings", own)
    yield


def terminal(number, *, simulated=False):
    row = watched(issued(drafted(who=people.find_or_make_person([], by="test", at=NOW, given_name="Ana", phones=[number])[0])))
    services.enrol_phone(row.id, kind="operator", by="mira", at=NOW, simulated=simulated)
    return row


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "answer"), [("mlp", as_mlp), ("camara", as_camara)])
def test_who_was_enrolled_with_the_network_is_asked_of_it_and_followed(kind, answer, monkeypatch):
    row, absent = terminal(HERE), terminal(ABSENT)
    operator = Operator()
    operator.seen = NOW + timedelta(minutes=1)
    with serving(operator, answer) as address, asked_with(monkeypatch, network=kind, network_url=address):
        found = services.ask_network(NOW + timedelta(minutes=2))
        again = services.ask_network(NOW + timedelta(minutes=3))
        operator.places[HERE] = AWAY
        for minute in range(5, 60, 5):
            operator.seen = NOW + timedelta(minutes=minute)
            services.ask_network(NOW + timedelta(minutes=minute + 1))

    assert found == {"asked": 2, "located": 1, "failed": 1}
    assert again["located"] == 0  # the same place again changes nothing
    assert list(Alarm.objects.values_list("order", "kind")) == [(row.id, "left")]
    assert Watch.objects.get(order=absent).heard is None
    assert set(operator.asked) == {HERE, ABSENT}
    assert AuditEntry.objects.filter(action="quarantine.positions", actor=f"network {kind}").exists()


@pytest.mark.django_db
def test_who_is_made_up_is_asked_of_a_made_up_network_and_never_leaves(monkeypatch):
    terminal(HERE, simulated=True)
    operator = Operator()
    with serving(operator, as_mlp) as address, asked_with(monkeypatch, network="mlp", network_url=address):
        found = services.ask_network(NOW)

    assert operator.asked == []
    assert found == {"asked": 1, "located": 1, "failed": 0}


@pytest.mark.django_db
def test_an_operator_that_fails_fails_nobody_else_and_without_one_nobody_is_asked(monkeypatch):
    terminal(HERE)
    assert services.ask_network(NOW) == {"asked": 0, "located": 0, "failed": 0}
    operator = Operator()
    operator.is_down = True
    with serving(operator, as_camara) as address, asked_with(monkeypatch, network="camara", network_url=address):
        assert services.ask_network(NOW) == {"asked": 1, "located": 0, "failed": 1}


@pytest.mark.django_db
def test_of_a_real_telephone_no_place_is_ever_made_up(monkeypatch):
    terminal(HERE)
    with asked_with(monkeypatch, network="simulated"):
        assert services.ask_network(NOW) == {"asked": 0, "located": 0, "failed": 0}
    assert Watch.objects.get().heard is None


@pytest.mark.django_db
def test_the_person_reads_once_a_day_that_their_network_is_asked(monkeypatch):
    row = terminal(HERE)
    operator = Operator()
    with serving(operator, as_mlp) as address, asked_with(monkeypatch, network="mlp", network_url=address):
        for minutes in (0, 5, 10, 60 * 24):
            services.ask_network(NOW + timedelta(minutes=minutes))

    reads = AuditEntry.objects.filter(action="people.read", person=row.person_id, detail__why="network")
    assert [one.at for one in reads.order_by("id")] == [NOW, NOW + timedelta(days=1)]
