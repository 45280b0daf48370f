"""Another office as a program of its own: its key, what it sends, and a server that answers as one."""

import json
import threading
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_hex
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epipolis.act.transfers import queries, services
from epipolis.act.transfers.models import Partner

PATH = "/api/v1/transfers/exchange"


class Remote:
    """Knows the protocol from its description, not from the platform's code."""

    def __init__(self, name: str = "Southport") -> None:
        self.name, self._key = name, Ed25519PrivateKey.generate()
        raw = self._key.public_key().public_bytes_raw()
        self.public_key = b64encode(raw).decode()
        self.key_id = sha256(b"epipolis key\n" + raw).hexdigest()
        self.heard: list[dict[str, Any]] = []
        self.answers: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]] = lambda told: (200, {"state": "received"})
        self.signs = True

    def signed(self, *parts: str) -> str:
        return b64encode(self._key.sign("\n".join(("epipolis transfers 1", *parts)).encode())).decode()

    def headers(self, body: bytes, *, at: datetime | None = None, **changed: str) -> dict[str, str]:
        told = {
            "Epipolis-From": self.key_id,
            "Epipolis-To": queries.own_key_id(),
            "Epipolis-Time": str(int((at or datetime.now(UTC)).timestamp())),
            "Epipolis-Nonce": token_hex(16),
        }
        told |= changed
        names = ("Epipolis-From", "Epipolis-To", "Epipolis-Time", "Epipolis-Nonce")
        signature = self.signed("request", *(told[name] for name in names), PATH, sha256(body).hexdigest())
        return told | {"Epipolis-Signature": changed.get("Epipolis-Signature", signature)}

    def says(self, client: Any, kind: str, transfer: UUID, **body: Any) -> Any:
        """Send one message to the platform under test."""
        raw = json.dumps({"version": 1, "kind": kind, "transfer": str(transfer), "body": body}).encode()
        return client.post(PATH, raw, content_type="application/json", headers=self.headers(raw))

    def offers(
        self, client: Any, document: dict[str, Any], what: str = "handover", transfer: UUID | None = None, **more: Any
    ) -> Any:
        return self.says(client, "offer", transfer or uuid4(), what=what, document=document, **{"revision": 1} | more)

    def serve(self) -> int:
        office = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                told = json.loads(raw)
                office.heard.append(told)
                status, answer = office.answers(told)
                body = json.dumps(answer).encode()
                parts = (office.key_id, self.headers["Epipolis-From"], self.headers["Epipolis-Nonce"])
                self.send_response(status)
                if office.signs:
                    signature = office.signed("answer", *parts, str(status), sha256(body).hexdigest())
                    self.send_header("Epipolis-Signature", signature)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self._server.server_address[1]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def known(remote: Remote, port: int = 9, *, at: datetime, **may: Any) -> Partner:
    """The office is added and its key compared."""
    made = services.add_partner(remote.name, f"http://127.0.0.1:{port}", remote.public_key, may=may, by="test", at=at)
    return services.compare_key(made.id, queries.spoken(remote.public_key), by="test", at=at)


def document(**changed: Any) -> dict[str, Any]:
    """A case as another office writes it."""
    person = {"given": "Ana", "family": "Torres", "birth": [1980, 3, 14], "sex": "F", "phones": ["555 0100"]}
    person |= {"identifiers": [["national_id", "X1234567", ""]]}
    test = {"source": "City Lab", "source_ref": "T1", "kind": "pcr", "disease": "covid", "result": "positive"}
    return {
        "case_id": "S-1",
        "disease": "covid",
        "source": "hospital",
        "person": person,
        "classification": "confirmed",
        "onset": "2026-03-01",
        "reported": "2026-03-03",
        "symptoms": [["cough", "yes"], ["fever", "no"]],
        "tests": [test],
    } | changed
