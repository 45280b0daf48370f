"""Laboratory messages over MLLP, each acknowledged after its commit, and how long a result takes to the work list.

    .venv/bin/python benchmarks/lab_messages.py [--quick]

Listener, worker, database and senders share this machine. Each sender waits for an acknowledgement before it sends its
next message. The peer is python-hl7's own asyncio server with one row and one commit for each message, and nothing else:
no sealing, no repeat known, nothing that hears of it. From result to work list: one positive result of somebody who met
others at a venue; timed by looking into the tables until the result, the confirmed case, its trace and the follow-up of
each contact stand there. The first of them comes to a platform that has never traced anything, and is told apart.
"""

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from uuid import UUID

import psycopg
from _platform import own_platform
from _report import Report

SENDERS, EACH, RUNS = 20, 150, 3
STORIES, CONTACTS, WAITING = 10, 12, 600
PEER = Path(__file__).parent / "peers" / "hl7_run.py"
START, END = b"\x0b", b"\x1c\r"
MESSAGE = (
    "MSH|^~\\&|LIS|CENTRAL|EPIPOLIS|CITY|{now}||ORU^R01^ORU_R01|{number}|P|2.5.1||||||UNICODE UTF-8\r"
    "PID|1||{patient}^^^TW^NI||Family{n}^Given{n}||19{year}0517|F|||Street {n}^^Taipei^^100||0912{phone:06d}\r"
    "ORC|RE|P{number}|{number}\r"
    "OBR|1|P{number}|{number}|94500-6^SARS-CoV-2 RNA^LN|||{taken}|||||||||||||||{now}|||F\r"
    "OBX|1|CWE|94500-6^SARS-CoV-2 RNA^LN||{answer}||||||F|||{taken}\r"
    "SPM|1|S{number}||258500001^Nasopharyngeal swab^SCT|||||||||||||{taken}\r"
)
POSITIVE, NEGATIVE = "260373001^Detected^SCT", "260415000^Not detected^SCT"


def message(number: str, n: int, *, patient: str = "", answer: str = NEGATIVE) -> bytes:
    """A message of one result, of a person of its own unless a patient's number is given."""
    now = datetime.now(UTC)
    told = {"now": f"{now:%Y%m%d%H%M%S}+0000", "taken": f"{now - timedelta(hours=20):%Y%m%d%H%M%S}+0000"}
    one = MESSAGE.format(
        number=number, patient=patient or f"B{n:09d}", n=n, year=40 + n % 59, phone=n % 1_000_000, answer=answer, **told
    )
    return START + one.encode() + END


async def drive(port: int, name: str, senders: int, each: int) -> tuple[float, list[float]]:
    """Messages a second that were acknowledged with AA, and the seconds that each waited for that."""
    waits: list[float] = []

    async def send(sender: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for one in range(each):
            n = sender * each + one
            began = time.perf_counter()
            writer.write(message(f"{name}-{n}", n))
            answer = await reader.readuntil(END)
            if b"MSA|AA|" not in answer:
                raise RuntimeError(f"not accepted: {answer!r}")
            waits.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(send(sender) for sender in range(senders)))
    return senders * each / (time.perf_counter() - began), waits


@contextmanager
def process(*command: str, says: str = "") -> Iterator[int]:
    """A process of the platform or of the peer; yields the port on which it says that it listens (0 without such a word)."""
    running = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    try:
        yield int(running.stdout.readline().rsplit(":", 1)[1]) if says else 0
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(30)
        running.stdout.close()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def seed(stories: int) -> None:
    """A laboratory, and people who met others at a venue yesterday and the day before."""
    from epipolis.sense.checkins.models import Source, Visit
    from epipolis.sense.city import services as city
    from epipolis.sense.labs import services as labs
    from epipolis.sense.people import services as people

    now = datetime.now(UTC)
    labs.register_laboratory({"name": "Central laboratory", "code": "CENTRAL"}, by="benchmark", at=now)
    places = [city.add_place(f"cafe-{n}", f"Cafe {n}", "cafe", by="benchmark", at=now) for n in range(stories)]
    visits = []
    for n, place in enumerate(places):
        ill, _ = people.find_or_make_person([("national_id", f"S{n:09d}")], by="benchmark", at=now)
        others = [
            people.find_or_make_person([("national_id", f"C{n:04d}{k:05d}")], by="benchmark", at=now)[0]
            for k in range(CONTACTS)
        ]
        met = now - timedelta(days=2)
        for person in (ill, *others):
            row = Visit(visitor=person.id, place_id=place.id, arrived=met, left=met + timedelta(hours=2))
            row.source, row.known_at = Source.CODE, now
            visits.append(row)
    Visit.objects.bulk_create(visits)


class Watch:
    """Looks into the tables until something stands there."""

    def __init__(self, dsn: str) -> None:
        self._database = psycopg.connect(dsn, autocommit=True)

    def until(self, sql: str, *values: object, least: int = 1, seconds: float = 120) -> float:
        end = time.perf_counter() + seconds
        while self._database.execute(sql, values).fetchone()[0] < least:  # type: ignore[index]  # -- a count has a row
            if time.perf_counter() > end:
                raise TimeoutError(sql)
            time.sleep(0.01)
        return time.perf_counter()

    def one(self, sql: str, *values: object) -> object:
        return self._database.execute(sql, values).fetchone()[0]  # type: ignore[index]  # -- asked for what is there

    def close(self) -> None:
        self._database.close()


def story(port: int, watch: Watch, n: int) -> dict[str, float]:
    """Seconds from sending one positive result to each step that follows of it."""
    number = f"story-{n}"
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as sender:
        sender.sendall(message(number, n, patient=f"S{n:09d}", answer=POSITIVE))
        answer = b""
        while not answer.endswith(END):
            answer += sender.recv(4096)
    found = {"acknowledged": time.perf_counter()}
    filed = "SELECT count(*) FROM labs_labresult r JOIN labs_labmessage m ON m.id = r.message_id WHERE m.message_id = %s"
    found["filed and confirmed"] = watch.until(f"{filed} AND r.case_id IS NOT NULL", number)
    case = watch.one(filed.replace("count(*)", "r.case_id"), number)
    assert isinstance(case, UUID)
    found["traced"] = watch.until("SELECT count(*) FROM tracing_trace WHERE case_id = %s", case)
    listed = "SELECT count(*) FROM followup_exposure WHERE case_id = %s"
    found["on the work list"] = watch.until(listed, case, least=CONTACTS)
    return {name: at - began for name, at in found.items()}


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # its processes end with it
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a fifth of the messages, one run, three stories")
    quick = parser.parse_args().quick
    each, runs, stories = (EACH // 5, 1, 3) if quick else (EACH, RUNS, STORIES)
    report = Report("lab_messages" + ("_quick" if quick else ""))
    with own_platform():
        seed(stories + 1)
        from epipolis.core import database

        dsn = database.uri()
        os.environ["PYTHONWARNINGS"] = "ignore"
        with process("-m", "epipolis.server", "mllp", "--port", "0", says="listening") as port:
            ours = [asyncio.run(drive(port, f"run{run}", SENDERS, each)) for run in range(runs)]
        with process(str(PEER), str(free_port()), dsn, says="listening") as port:
            peer = [asyncio.run(drive(port, f"run{run}", SENDERS, each)) for run in range(runs)]
        watch = Watch(dsn)
        watch.one("WITH gone AS (DELETE FROM procrastinate_jobs) DELETE FROM labs_labmessage RETURNING 1")
        listener = process("-m", "epipolis.server", "mllp", "--port", "0", says="listening")
        with listener as port:
            asyncio.run(drive(port, "waiting", SENDERS, WAITING // SENDERS))
            with process("-m", "epipolis.server", "worker"):
                watch.until("SELECT count(*) FROM labs_labmessage WHERE state <> 'received'")
                began = time.perf_counter()
                left = "SELECT -count(*) FROM labs_labmessage WHERE state = 'received'"
                before = -int(watch.one(left))  # type: ignore[call-overload]  # -- a count
                drained = watch.until(left, least=0, seconds=900) - began
                watch.until("SELECT -count(*) FROM procrastinate_jobs WHERE queue_name = 'events'", least=0, seconds=900)
                first, *told = [story(port, watch, n) for n in range(stories + 1)]
        watch.close()
    what = f"messages acknowledged after their commit, {SENDERS} senders"
    name = "python-hl7, bare INSERT"
    report.row(what, [rate for rate, _ in ours], [rate for rate, _ in peer], unit="messages/s", peer_name=name)
    late = [[1000 * quantiles(waits, n=100)[98] for _, waits in side] for side in (ours, peer)]
    report.row("wait for the acknowledgement, p99", late[0], late[1], unit="ms", peer_name=name)
    report.row("waiting results filed by one worker", [before / drained], unit="messages/s")
    report.row("the very first result: on the work list, its kernels compiled", [first["on the work list"]], unit="s")
    for step in told[0]:
        report.row(f"one positive result, {CONTACTS} contacts: {step}", [one[step] for one in told], unit="s")
    report.save()
    sys.stdout.write(f"on the work list after {median(one['on the work list'] for one in told):.2f} s\n")


if __name__ == "__main__":
    main()
