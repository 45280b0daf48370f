"""Providers on this machine: an HTTP one and a mail server that note what they get and answer as they are told."""

import json
import socketserver
import threading
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Got:
    """One request as it arrived."""

    def __init__(self, path: str, headers: Any, body: bytes) -> None:
        self.path, self.headers, self.body = path, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def http_provider(*answers: tuple[int, Any] | tuple[int, Any, dict[str, str]] | None):
    """Answers in turn, the last one again and again; None hangs up after the request was read. Yields address, requests."""
    waiting, got = deque(answers), []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            got.append(Got(self.path, self.headers, self.rfile.read(int(self.headers.get("Content-Length", 0)))))
            answer = waiting.popleft() if len(waiting) > 1 else waiting[0]
            if answer is None:
                self.close_connection = True
                return
            status, content, more = (*answer, {})[:3]
            body = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class MailServer:
    """Speaks as much SMTP as is needed; `refusals` are answers to RCPT by address, `hang_up_after_data` cuts the line."""

    def __init__(
        self,
        *,
        refusals: dict[str, str] | None = None,
        hang_up_after_data: bool = False,
        password: str = "",
        extensions: str = "",
    ) -> None:
        self.mails: list[str] = []
        self.lines: list[str] = []
        self._refusals, self._hangs_up, self._password = refusals or {}, hang_up_after_data, password
        self._can = ["AUTH PLAIN"] * bool(password) + extensions.split()
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 here")
                while line := self.rfile.readline().decode().strip():
                    server.lines.append(line)
                    if not server.answer(self, line):
                        return

            def _say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def answer(self, handler: Any, line: str) -> bool:
        word = line.split(":")[0].split(" ")[0].upper()
        if word == "EHLO":
            handler._say(
                "\r\n250".join(
                    [
                        f"250{'-' if self._can else ' '}here",
                        *(f"{'-' if one != self._can[-1] else ' '}{one}" for one in self._can),
                    ]
                )
            )
        elif word == "AUTH":
            handler._say("535 5.7.8 wrong password swordfish")
        elif word == "RCPT":
            address = line.split("<")[1].split(">")[0]
            handler._say(self._refusals.get(address, "250 fine"))
        elif word == "DATA":
            handler._say("354 go on")
            text = []
            while (part := handler.rfile.readline().decode()) != ".\r\n":
                text.append(part)
            self.mails.append("".join(text))
            if self._hangs_up:
                return False
            handler._say("250 taken")
        elif word == "QUIT":
            handler._say("221 bye")
            return False
        else:
            handler._say("250 fine")
        return True

    def __enter__(self) -> "MailServer":
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
