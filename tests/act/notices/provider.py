"""An SMS provider in a process of its own: it keeps every message by its key in a file, and may be slow.

    python provider.py FILE

It prints its port. Each line of the file is one key as it was asked for, with "new" where it was taken for the first time.
"""

import asyncio
import sys

_KEY, _LENGTH = b"idempotency-key:", b"content-length:"


async def serve(path: str) -> None:
    taken: dict[bytes, int] = {}
    with open(path, "ab", buffering=0) as file:  # noqa: PTH123 -- kept open for each line

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while head := await reader.readuntil(b"\r\n\r\n"):
                    lines = head.split(b"\r\n")
                    length = next((int(one[len(_LENGTH) :]) for one in lines if one.lower().startswith(_LENGTH)), 0)
                    await reader.readexactly(length)
                    key = next((one[len(_KEY) :].strip() for one in lines if one.lower().startswith(_KEY)), b"")
                    if is_new := key not in taken:
                        taken[key] = len(taken)
                    file.write(key + (b" new\n" if is_new else b" again\n"))
                    body = b'{"id":"p-%d"}' % taken[key]
                    writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        async with server:
            await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
