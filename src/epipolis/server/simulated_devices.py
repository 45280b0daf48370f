"""Simulated test devices: readings of samples whose truth is known, over the real roads, with the faults of real devices.

A device keeps a reading until it has a receipt and sends it again until then, as real ones must.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from random import Random
from typing import Any
from urllib.parse import urlsplit

import aiomqtt

from epipolis.core import clock
from epipolis.sense.labs.services import sign, signing_key
from epipolis.server.mqtt import ABOUT, READINGS, RECEIPTS, ROOT, STATUS, Broker

FAULTS = (
    "late",
    "twice",
    "out_of_order",
    "wrong_clock",
    "expired_lot",
    "unknown_barcode",
    "lost_connection",
    "garbage",
)
GOOD_LOT, OLD_LOT = "SIM-GOOD", "SIM-OLD"
_PATIENCE = 5.0  # seconds without a receipt before a reading is sent again
_TRIES = 60


@dataclass(frozen=True, slots=True)
class Odds:
    """What the samples and the test are like: shares from 0 to 1. `faults` is the share of readings with one fault."""

    prevalence: float = 0.1
    sensitivity: float = 0.8
    specificity: float = 0.98
    invalid: float = 0.02
    faults: float = 0.2

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share from 0 to 1")


@dataclass(frozen=True, slots=True)
class Drawn:
    """One reading that will be sent, and the truth about its sample."""

    device: int
    number: str
    sample: int
    is_infected: bool
    result: str
    control_valid: bool
    minutes_ago: float  # the true time of the measurement, before it is sent
    fault: str = ""

    @property
    def counts(self) -> bool:
        """Whether it should become a result without anybody's looking."""
        return self.fault not in ("unknown_barcode", "garbage")


@dataclass(frozen=True, slots=True)
class Simulated:
    """One device: its name and token, by how many seconds its clock is wrong, and what it will send, in its order."""

    serial: str
    token: str
    clock_error: float
    readings: tuple[Drawn, ...]
    started: datetime

    def now(self) -> datetime:
        """What its clock says."""
        return clock.now() - timedelta(seconds=self.clock_error)


def draw(devices: int, readings: int, odds: Odds, *, seed: int, run: str) -> list[Drawn]:
    """Readings in the order in which they are sent; the same seed draws the same. One sample each."""
    chance = Random(seed)  # noqa: S311 -- a simulation
    drawn = []
    for number in range(readings):
        fault = chance.choice(FAULTS) if chance.random() < odds.faults else ""
        is_infected = chance.random() < odds.prevalence
        seen = chance.random() < (odds.sensitivity if is_infected else 1 - odds.specificity)
        valid = chance.random() >= odds.invalid
        ago = chance.uniform(240, 2_880) if fault == "late" else chance.uniform(1, 30)
        result = "positive" if seen else "negative"
        name = f"{run}-{number:05d}"
        drawn.append(Drawn(chance.randrange(devices), name, number, is_infected, result, valid, ago, fault))
    return _reordered(drawn, chance)


def _reordered(drawn: list[Drawn], chance: Random) -> list[Drawn]:
    """Those out of order come last but before they should, and late ones at the end."""
    on_time = [one for one in drawn if one.fault not in ("out_of_order", "late")]
    for one in (one for one in drawn if one.fault == "out_of_order"):
        on_time.insert(chance.randrange(len(on_time) + 1), one)
    return on_time + [one for one in drawn if one.fault == "late"]


def devices_of(drawn: Sequence[Drawn], tokens: Mapping[str, str], *, seed: int, at: datetime) -> list[Simulated]:
    """Devices with their readings. A device whose clock is wrong sends all its readings with that clock."""
    chance = Random(seed + 1)  # noqa: S311 -- a simulation
    found = []
    for place, (serial, token) in enumerate(tokens.items()):
        own = tuple(one for one in drawn if one.device == place)
        is_wrong = any(one.fault == "wrong_clock" for one in own) and place % 2 == 0
        error = chance.choice((-1, 1)) * chance.uniform(600, 86_400 * 20) if is_wrong else 0.0
        kept = own if is_wrong else tuple(replace(one, fault="") if one.fault == "wrong_clock" else one for one in own)
        found.append(Simulated(serial, token, error, kept, at))
    return found


def body_of(device: Simulated, one: Drawn, barcode: str, operator: str) -> bytes:
    """A reading as the device sends it now: only `sent_at` differs from one sending to the next."""
    if one.fault == "garbage":
        return b'{"reading": "' + one.number.encode() + b'", \xff\x00 broken'
    measured = device.started - timedelta(minutes=one.minutes_ago, seconds=device.clock_error)
    told = {
        "reading": one.number,
        "sample": "NOBODY-" + one.number[-6:] if one.fault == "unknown_barcode" else barcode,
        "lot": OLD_LOT if one.fault == "expired_lot" else GOOD_LOT,
        "operator": operator,
        "result": one.result,
        "control_valid": one.control_valid,
        "measured_at": measured.isoformat(),
        "sent_at": device.now().isoformat(),
        "battery": 75,
        "temperature": 22.5,
    }
    return json.dumps(told).encode()


@dataclass(frozen=True, slots=True)
class Sent:
    """What a device saw: messages it sent, and the last receipt of each reading."""

    messages: int
    receipts: dict[str, str]


async def over_http(device: Simulated, barcodes: Mapping[int, str], operator: str, address: str) -> Sent:
    """Send a device's readings with its token. What has no answer is sent again."""
    return await asyncio.to_thread(_send_all, device, barcodes, operator, address)


def _send_all(device: Simulated, barcodes: Mapping[int, str], operator: str, address: str) -> Sent:
    receipts, count = {}, 0
    _post(device, address, "devices/hello", json.dumps(_hello(device)).encode())
    for one in device.readings:
        raw = body_of(device, one, barcodes[one.sample], operator)
        if one.fault == "lost_connection":
            _post(device, address, "readings", raw, hears=False)
            count += 1
        for _time in range(2 if one.fault == "twice" else 1):
            receipts[one.number] = _post(device, address, "readings", body_of(device, one, barcodes[one.sample], operator))
            count += 1
    return Sent(count, receipts)


def _post(device: Simulated, address: str, path: str, raw: bytes, *, hears: bool = True) -> str:
    parts = urlsplit(address)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    headers = {"Authorization": f"Bearer {device.token}", "Content-Type": "application/json"}
    error: Exception | None = None
    for _try in range(_TRIES):
        line = kind(parts.hostname or "", parts.port, timeout=_PATIENCE * 4)
        try:
            line.request("POST", f"/api/v1/labs/{path}", raw, headers)
            if not hears:
                return ""
            answer = line.getresponse()
            told = json.loads(answer.read() or b"{}")
            if answer.status < 500 and answer.status != 429:
                return str(told.get("status", "")) if answer.status < 300 else _refused(answer.status, told)
        except (OSError, HTTPException, ValueError) as problem:
            error = problem
        finally:
            line.close()
    raise ValueError(f"{address} does not answer: {error}")


def _refused(status: int, told: Mapping[str, Any]) -> str:
    if status == 422:
        return "rejected"
    raise ValueError(f"{status}: {told.get('detail', told)}")


async def over_mqtt(device: Simulated, barcodes: Mapping[int, str], operator: str, broker: Broker) -> Sent:
    """Publish a device's readings, signed, and wait for their receipts. What has none is published again."""
    waiting = {one.number: one for one in device.readings}
    receipts: dict[str, str] = {}
    count = 0
    for turn in range(_TRIES):
        try:
            async with broker.client(identifier=f"{device.serial}-device") as client:
                await client.subscribe(f"{ROOT}/{device.serial}/{RECEIPTS}", qos=1)
                hello = json.dumps(_hello(device)).encode()
                await client.publish(_topic(device, ABOUT), _signed(device, hello), qos=1, retain=True)
                await client.publish(_topic(device, STATUS), _signed(device, hello), qos=0)
                for one in [one for one in device.readings if one.number in waiting]:
                    count += await _publish(client, device, one, barcodes[one.sample], operator, is_first=not turn)
                    if one.fault == "lost_connection" and not turn:
                        raise aiomqtt.MqttError("the line is cut, as simulated")
                await _hear(client, waiting, receipts)
        except aiomqtt.MqttError:
            await asyncio.sleep(0.2)
        if not waiting:
            return Sent(count, receipts)
    raise ValueError(f"{device.serial} has no receipt for {len(waiting)} readings; does `epipolis devices listen` run?")


async def _publish(
    client: aiomqtt.Client, device: Simulated, one: Drawn, barcode: str, operator: str, *, is_first: bool
) -> int:
    times = 2 if one.fault == "twice" and is_first else 1
    for _time in range(times):
        raw = body_of(device, one, barcode, operator)
        signed = raw if one.fault == "garbage" else _signed(device, raw)
        await client.publish(_topic(device, READINGS), signed, qos=1)
    return times


async def _hear(client: aiomqtt.Client, waiting: dict[str, Drawn], receipts: dict[str, str]) -> None:
    """Receipts until nothing waits, or none comes any more. Garbage has no number: it is answered by any rejection."""
    while waiting:
        try:
            message = await asyncio.wait_for(anext(aiter(client.messages)), _PATIENCE)
        except TimeoutError:
            return
        if not str(message.topic).endswith(RECEIPTS):
            continue
        told = json.loads(bytes(message.payload))
        number = told.get("reading") or next((name for name, one in waiting.items() if one.fault == "garbage"), "")
        if number in waiting and told["status"] in ("stored", "known", "rejected"):
            receipts[number] = told["status"]
            del waiting[number]


def _hello(device: Simulated) -> dict[str, Any]:
    told = {"model": "Simulated rapid test, 600 g", "firmware": "sim-1", "kinds": ["antigen"], "battery": 75}
    return told | {"sent_at": device.now().isoformat()}


def _topic(device: Simulated, kind: str) -> str:
    return f"{ROOT}/{device.serial}/{kind}"


def _signed(device: Simulated, raw: bytes) -> bytes:
    mac = sign(raw, device.serial, signing_key(device.token))
    return json.dumps({"signed": raw.decode(), "mac": mac}).encode()
