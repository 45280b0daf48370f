"""`epipolis devices`: listen to test devices over a broker, or simulate some with their faults."""

import asyncio
import json
import signal
import sys
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epipolis.server.commands.platform import set_up

if TYPE_CHECKING:
    from epipolis.server.mqtt import Broker, DeviceListener
    from epipolis.server.simulated_devices import Drawn, Odds, Sent, Simulated

Share = Annotated[float, typer.Option(min=0, max=1)]


class Action(StrEnum):
    """What to do."""

    listen = "listen"
    positions = "positions"
    simulate = "simulate"


def devices(
    action: Annotated[
        Action,
        typer.Argument(help="listen: take readings from a broker; positions: take positions; simulate: send readings."),
    ],
    broker: Annotated[str, typer.Option(envvar="EPIPOLIS_BROKER", help="mqtt:// or mqtts://[user:password@]host[:port].")] = "",
    name: Annotated[str, typer.Option(help="The listener's name at the broker, which keeps messages for it.")] = "",
    address: Annotated[str, typer.Option(help="simulate over HTTP: the platform's address.")] = "",
    count: Annotated[int, typer.Option("--devices", min=1, max=500, help="simulate: how many devices.")] = 5,
    readings: Annotated[int, typer.Option(min=1, max=100_000, help="simulate: how many readings in all.")] = 100,
    prevalence: Share = 0.1,
    sensitivity: Share = 0.8,
    specificity: Share = 0.98,
    invalid: Share = 0.02,
    faults: Annotated[float, typer.Option(min=0, max=1, help="The share of readings with one fault.")] = 0.2,
    seed: Annotated[int, typer.Option(help="The same number draws the same samples and faults.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print for programs.")] = False,
) -> None:
    """Listen to test devices over MQTT (`listen`), or send what simulated ones measure, over MQTT or HTTP (`simulate`).

    `positions` listens to the telephones and gateways that say where watched people are.

    Simulated devices, people, labels and results are marked as simulated everywhere.
    """
    set_up()
    from epipolis.core.modules import modules  # noqa: PLC0415 -- Django must be set up first

    needed = "quarantine" if action is Action.positions else "labs"
    if needed not in modules():
        raise ValueError(f"the module {needed} is switched off (EPIPOLIS_WITHOUT)")
    from epipolis.server.mqtt import NAME, DeviceListener, broker_at  # noqa: PLC0415 -- as above
    from epipolis.server.simulated_devices import Odds  # noqa: PLC0415 -- as above

    if action is not Action.simulate and not broker:
        raise ValueError(f"{action} needs --broker, for instance mqtt://127.0.0.1:1883")
    if action is Action.positions:
        from epipolis.server import mqtt_positions  # noqa: PLC0415 -- as above

        listening = mqtt_positions.PositionListener(broker_at(broker), name=name or mqtt_positions.NAME)
        asyncio.run(_listen(listening))
        return
    if action is Action.listen:
        asyncio.run(_listen(DeviceListener(broker_at(broker), name=name or NAME)))
        return
    if bool(broker) == bool(address):
        raise ValueError("simulate needs either --broker or --address")
    odds = Odds(prevalence, sensitivity, specificity, invalid, faults)
    told = simulate(count, readings, odds, broker=broker_at(broker) if broker else None, address=address, seed=seed)
    print(json.dumps(told) if as_json else _in_words(told))


async def _listen(listener: "DeviceListener") -> None:
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, done.set)

    def ready() -> None:
        sys.stdout.write("listening\n")
        sys.stdout.flush()

    await listener.run(done, ready)


def simulate(
    count: int, readings: int, odds: "Odds", *, broker: "Broker | None" = None, address: str = "", seed: int = 1
) -> dict[str, Any]:
    """Register simulated devices, people and labels, send readings, and hold what was stored against the truth."""
    from epipolis.core import clock  # noqa: PLC0415 -- Django must be set up first
    from epipolis.server.simulated_devices import devices_of, draw  # noqa: PLC0415 -- as above

    run = f"{int(clock.now().timestamp() * 1000):x}"
    drawn = draw(count, readings, odds, seed=seed, run=run)
    tokens = _registered(count, seed)
    barcodes = _labelled(drawn)
    found = devices_of(drawn, tokens, seed=seed, at=clock.now())
    sent = asyncio.run(_send(found, barcodes, broker, address))
    return _held_against(found, sent, run)


async def _send(found: "list[Simulated]", barcodes: dict[int, str], broker: "Broker | None", address: str) -> "list[Sent]":
    from epipolis.server.simulated_devices import over_http, over_mqtt  # noqa: PLC0415 -- Django must be set up first

    if broker is not None:
        return await asyncio.gather(*(over_mqtt(one, barcodes, _OPERATOR, broker) for one in found))
    return await asyncio.gather(*(over_http(one, barcodes, _OPERATOR, address) for one in found))


_OPERATOR = "simulated-operator"


def _registered(count: int, seed: int) -> dict[str, str]:
    """The serial number of each simulated device and its token; those that are known get another."""
    from epipolis.core import clock  # noqa: PLC0415 -- Django must be set up first
    from epipolis.core.models import User  # noqa: PLC0415 -- as above
    from epipolis.sense.labs import queries, services  # noqa: PLC0415 -- as above
    from epipolis.server.simulated_devices import GOOD_LOT, OLD_LOT  # noqa: PLC0415 -- as above

    at = clock.now()
    today = clock.local_day(at)
    operator, is_new = User.objects.get_or_create(username=_OPERATOR, defaults={"simulated": True})
    if is_new:
        operator.set_unusable_password()
        operator.save(update_fields=["password"])
    for number, ends in ((GOOD_LOT, today + timedelta(days=365)), (OLD_LOT, today - timedelta(days=30))):
        values = {"kind": "antigen", "disease": "COVID-19", "expires": ends, "product": "simulated"}
        services.register_lot(number, values, by="simulator", at=at, simulated=True)
    known = {row.device.serial: row.device for row in queries.device_rows(at)}
    tokens = {}
    for place in range(count):
        serial = f"SIM-{seed}-{place:03d}"
        if serial in known:
            services.set_state(known[serial].id, "active", "", by="simulator", at=at)
            tokens[serial] = services.renew_token(known[serial].id, by="simulator", at=at)[1]
        else:
            values = {"place": f"Simulated clinic {place + 1}", "model": "Simulated rapid test, 600 g"}
            tokens[serial] = services.register_device(serial, values, [operator], by="simulator", at=at, simulated=True)[1]
    return tokens


def _labelled(drawn: "list[Drawn]") -> dict[int, str]:
    """A simulated person with a label for each sample."""
    from epipolis.core import clock  # noqa: PLC0415 -- Django must be set up first
    from epipolis.sense.labs import services  # noqa: PLC0415 -- as above
    from epipolis.sense.people.services import PersonRow, find_or_make_people  # noqa: PLC0415 -- as above

    at = clock.now()
    rows = [
        PersonRow(identifiers=(("simulated", one.number),), given_name="Simulated", family_name=one.number, simulated=True)
        for one in drawn
    ]
    people = [person for person, _ in find_or_make_people(rows, by="simulator", at=at)]
    found: dict[int, str] = {}
    for start in range(0, len(drawn), services.MOST_PRINTED):
        part = drawn[start : start + services.MOST_PRINTED]
        made = services.make_labels(len(part), by="simulator", at=at, simulated=True)
        for one, label, person in zip(part, made, people[start:], strict=False):
            services.give_label(label.barcode, person, by="simulator", at=at)
            found[one.sample] = label.barcode
    return found


def _held_against(found: "list[Simulated]", sent: "list[Sent]", run: str) -> dict[str, Any]:
    """What was drawn, sent and stored, and whether each reading that should count counts exactly once."""
    from epipolis.sense.labs import queries  # noqa: PLC0415 -- Django must be set up first

    drawn = [one for device in found for one in device.readings]
    stored = queries.results_of_readings(f"{run}-")
    wrong = [one.number for one in drawn if len(stored.get(one.number, [])) != int(one.counts)]
    seen = {(one.is_infected, stored[one.number][0]): 0 for one in drawn if stored.get(one.number)}
    for one in drawn:
        if stored.get(one.number):
            seen[one.is_infected, stored[one.number][0]] += 1
    said = [receipt for one in sent for receipt in one.receipts.values()]
    return {
        "devices": len(found),
        "readings": len(drawn),
        "messages": sum(one.messages for one in sent),
        "faults": {name: sum(one.fault == name for one in drawn) for name in sorted({one.fault for one in drawn if one.fault})},
        "wrong_clocks": sum(one.clock_error != 0 for one in found),
        "receipts": {name: said.count(name) for name in sorted(set(said))},
        "results": sum(len(rows) for rows in stored.values()),
        "should_be": sum(one.counts for one in drawn),
        "not_exactly_once": wrong,
        "infected": {result: n for (is_infected, result), n in sorted(seen.items()) if is_infected},
        "not_infected": {result: n for (is_infected, result), n in sorted(seen.items()) if not is_infected},
    }


def _in_words(told: dict[str, Any]) -> str:
    lines = [f"{name.replace('_', ' '):>18}  {_value(value)}" for name, value in told.items() if name != "not_exactly_once"]
    wrong = told["not_exactly_once"]
    last = "each reading that should count counts once" if not wrong else f"NOT counted once: {', '.join(wrong[:10])}"
    return "\n".join([*lines, f"{'simulated':>18}  {last}"])


def _value(value: Any) -> str:
    return ", ".join(f"{name} {count}" for name, count in value.items()) if isinstance(value, dict) else str(value)
