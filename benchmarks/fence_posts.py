"""Single posts of phones' own pages, as their script sends them: how many a second are answered after their commit.

    .venv/bin/python benchmarks/fence_posts.py [--quick]

Server, database and senders share this machine. Each post holds one fix of one phone and proves itself by its secret; each
is answered when what follows from it has committed. One connection after the other, and 64 at once, kept open.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from _platform import own_platform
from _report import Report
from fence_intake import Server, bodies, seed, worked

PATH = "/api/v1/quarantine/phones/positions"


def posts(secrets: list[str], homes: np.ndarray, start: int) -> Iterator[bytes]:
    """One fix of each phone after the other, for ever; a minute later in each round."""
    number = 0
    while True:
        for secret, (lon, lat) in zip(secrets, homes.tolist(), strict=True):
            fix = {"phone": secret, "time": start + 60 * number, "lon": lon, "lat": lat, "accuracy": 12.5, "battery": 0.7}
            body = json.dumps([fix | {"charging": False, "sent": datetime.now(UTC).isoformat()}]).encode()
            head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            yield f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        number += 1


async def _send(port: int, sent: Iterator[bytes], until: float, waits: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(next(sent))
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        body = await reader.readexactly(size)
        if b" 200 " not in head[:20]:
            raise RuntimeError(f"{head!r} {body!r}")
        waits.append(time.perf_counter() - began)
    writer.close()


async def drive(port: int, sent: Iterator[bytes], many: int, seconds: float) -> list[float]:
    """Seconds that each post waited for its answer."""
    waits: list[float] = []
    until = time.perf_counter() + seconds
    async with asyncio.TaskGroup() as group:
        for _ in range(many):
            group.create_task(_send(port, sent, until, waits))
    return waits


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    people, seconds = (500, 3.0) if quick else (10_000, 15.0)
    report = Report("fence_posts" + ("_quick" if quick else ""))
    with own_platform():
        now = datetime.now(UTC)
        secrets, homes, token = seed(people, now)
        start = int(now.timestamp()) - 40_000
        sent = posts(secrets, homes, start)
        server = Server()
        server.start()
        for body in bodies(secrets, homes, start - 3_600, 1)[0]:  # everybody is at home; the server loads its kernel
            server.post(body, token)
        asyncio.run(drive(server.port, sent, 8, 3.0))
        for many in (1, 64):
            work = worked(server)
            waits = asyncio.run(drive(server.port, sent, many, seconds))
            work = worked(server) - work
            report.row(f"single posts, {many} at once", [len(waits) / seconds], unit="posts/s")
            report.row(f"the same, processor time of server and database, {many} at once", [work / len(waits) * 1e3], unit="ms")
            report.row(f"nine in ten are answered within, {many} at once", [float(np.quantile(waits, 0.9)) * 1e3], unit="ms")
        server.end()
    report.save()


if __name__ == "__main__":
    main()
