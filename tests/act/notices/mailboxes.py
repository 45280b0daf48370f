"""A mailbox on this machine: as much IMAP as is needed, in clear or with TLS, with or without MOVE."""

import re
import socketserver
import ssl
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PASSWORD = "swordfish of the mailbox"


class ImapServer:
    """Folders of mails with their marks. Whoever signs in with another password is told no."""

    def __init__(self, *mails: bytes, extensions: str = "MOVE UIDPLUS", tls: ssl.SSLContext | None = None) -> None:
        self.folders: dict[str, dict[int, tuple[bytes, set[str]]]] = {"INBOX": {}}
        self.lines: list[str] = []
        self.extensions, self._next = extensions, 1
        for mail in mails:
            self.add(mail)
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.folder, self.out = "INBOX", self.wfile
                self.say("* OK here")
                while line := self.rfile.readline().decode().strip():
                    server.lines.append(line)
                    tag, _, words = line.partition(" ")
                    server.answer(self, words)
                    self.say(f"{tag} {self.state} done")
                    if words.startswith("LOGOUT"):
                        return

            def say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler, bind_and_activate=True)
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
            self._server.handle_error = lambda *_: None  # a client that does not trust us hangs up
        self.port = self._server.server_address[1]

    def add(self, mail: bytes, folder: str = "INBOX") -> int:
        number, self._next = self._next, self._next + 1
        self.folders[folder][number] = (mail, set())
        return number

    def marks(self, number: int, folder: str = "INBOX") -> set[str]:
        return self.folders[folder][number][1]

    def answer(self, handler: Any, words: str) -> None:
        handler.state = "OK"
        name, _, rest = words.partition(" ")
        if name == "UID":
            name, _, rest = rest.partition(" ")
        getattr(self, f"_{name.lower()}", lambda *_: None)(handler, rest)

    def _capability(self, handler: Any, rest: str) -> None:
        handler.say(f"* CAPABILITY IMAP4rev1 {self.extensions}")

    def _login(self, handler: Any, rest: str) -> None:
        handler.state = "OK" if PASSWORD in rest else f"NO [AUTHENTICATIONFAILED] not {rest}"

    def _create(self, handler: Any, rest: str) -> None:
        handler.state = "NO" if rest.strip('"') in self.folders else "OK"
        self.folders.setdefault(rest.strip('"'), {})

    def _select(self, handler: Any, rest: str) -> None:
        handler.folder = rest.strip('"')
        handler.state = "OK" if handler.folder in self.folders else "NO"

    def _search(self, handler: Any, rest: str) -> None:
        found = [str(number) for number, (_, marks) in self.folders[handler.folder].items() if "\\Seen" not in marks]
        handler.say("* SEARCH " + " ".join(found))

    def _fetch(self, handler: Any, rest: str) -> None:
        number = int(rest.split()[0])
        most = int(re.search(r"<0\.(\d+)>", rest)[1])
        mail = self.folders[handler.folder][number][0][:most]
        handler.wfile.write(b"* 1 FETCH (UID %d BODY[]<0> {%d}\r\n%s)\r\n" % (number, len(mail), mail))

    def _store(self, handler: Any, rest: str) -> None:
        number, _sign, marks = rest.split(" ", 2)
        self.folders[handler.folder][int(number)][1].update(marks.strip("()").split())

    def _move(self, handler: Any, rest: str) -> None:
        self._copy(handler, rest)
        del self.folders[handler.folder][int(rest.split()[0])]

    def _copy(self, handler: Any, rest: str) -> None:
        number, folder = rest.split(" ", 1)
        mail, marks = self.folders[handler.folder][int(number)]
        self.folders[folder.strip('"')][int(number)] = (mail, set(marks))

    def _expunge(self, handler: Any, rest: str) -> None:
        if "\\Deleted" in self.marks(int(rest), handler.folder):
            del self.folders[handler.folder][int(rest)]

    def __enter__(self) -> "ImapServer":
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def own_certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side with a certificate of its own making for 127.0.0.1, and a client's side that trusts it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "here")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    kinds = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(*kinds))
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return server, ssl.create_default_context(cafile=str(folder / "certificate.pem"))
