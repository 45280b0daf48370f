"""A bare receiver of HL7 over sockets: python-hl7's own asyncio server, and one row and one commit for each message.

python benchmarks/peers/hl7_run.py PORT DSN
"""

import asyncio
import sys
from typing import Any

import psycopg
from hl7.mllp import start_hl7_server

TABLE = "CREATE TABLE IF NOT EXISTS peer_message (number text, sender text, raw text, at timestamptz DEFAULT now())"


async def main(port: int, dsn: str) -> None:
    async def serve(reader: Any, writer: Any) -> None:
        async with await psycopg.AsyncConnection.connect(dsn) as database:
            while not writer.is_closing():
                try:
                    message = await reader.readmessage()
                except (asyncio.IncompleteReadError, ConnectionError):
                    return
                head = message.segment("MSH")
                await database.execute(
                    "INSERT INTO peer_message (number, sender, raw) VALUES (%s, %s, %s)",
                    [str(head[10]), f"{head[3]}|{head[4]}", str(message)],
                )
                await database.commit()
                writer.writemessage(message.create_ack())
                await writer.drain()

    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as database:
        await database.execute(TABLE)
    async with await start_hl7_server(serve, "127.0.0.1", port) as server:
        sys.stdout.write(f"listening on 127.0.0.1:{port}\n")
        sys.stdout.flush()
        await server.serve_forever()


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
