"""E-mail by SMTP. A repeat has the same Message-ID, by which mail programs know it again and returns name it."""

import smtplib
import ssl
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from .messages import Message, Outcome, told
from .returned import mail_token

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HELLO = "epipolis"


class Mail:
    """One mail server of the city."""

    name = "smtp"
    is_idempotent = False

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sender: str,
        name: str,
        secret: bytes,
        returns: str = "",
        user: str = "",
        password: str = "",
        security: str = "starttls",
        seconds: float = 15,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        if security not in ("starttls", "tls") and host not in _LOOPBACK:
            raise ValueError("a mail server needs starttls or tls, for messages about health travel in it")
        self._host, self._port, self._user, self._password = host, port, user, password
        self._security, self._seconds, self._trust = security, seconds, trust or ssl.create_default_context()
        self._sender, self._own_name, self._secret, self._returns = sender, name, secret, returns or sender

    def send_many(self, messages: Sequence[Message]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            with self._open() as server:
                for message in messages:
                    outcomes.append(self._send(server, message))
                    if outcomes[-1].state == "unsure":  # the line is gone; the others have not left
                        break
        except (OSError, smtplib.SMTPException) as error:
            text = _words(error)
            if len(outcomes) < len(messages):
                return outcomes + [Outcome("later", text=text)] * (len(messages) - len(outcomes))
        return outcomes + [Outcome("later", text="The line was cut.")] * (len(messages) - len(outcomes))

    def _open(self) -> smtplib.SMTP:
        if self._security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, _HELLO, timeout=self._seconds, context=self._trust)
        else:
            server = smtplib.SMTP(self._host, self._port, _HELLO, timeout=self._seconds)
        try:
            if self._security == "starttls":
                server.starttls(context=self._trust)
            if self._user:
                server.login(self._user, self._password)
            server.ehlo_or_helo_if_needed()  # it says there what it can
        except BaseException:
            server.close()
            raise
        return server

    def _send(self, server: smtplib.SMTP, message: Message) -> Outcome:
        try:
            mail = self._written(message)
        except ValueError:  # no e-mail address, or one with a line break in it
            return Outcome("refused", text="This is no e-mail address.")
        try:
            server.send_message(mail, self._returns, **self._wishes(server, message))
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            return Outcome("refused" if code >= 500 else "later", text=f"{code} {_plain(text)}")
        except smtplib.SMTPResponseException as error:
            return Outcome(
                "refused" if error.smtp_code >= 550 else "later", text=f"{error.smtp_code} {_plain(error.smtp_error)}"
            )
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            return Outcome("unsure", text=_words(error))
        return Outcome("accepted", ref=str(mail["Message-ID"]))

    def _wishes(self, server: smtplib.SMTP, message: Message) -> dict[str, list[str]]:
        """What the server is asked to tell of a mail that does not arrive, if it can (RFC 3461): its headers are enough."""
        if not server.has_extn("dsn") or not message.to.isascii():
            return {}
        number = mail_token(message.key, self._secret)
        return {
            "mail_options": ["RET=HDRS", f"ENVID={number}"],
            "rcpt_options": ["NOTIFY=FAILURE,DELAY", f"ORCPT=rfc822;{_xtext(message.to)}"],
        }

    def _written(self, message: Message) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        mail["From"] = Address(self._own_name, addr_spec=self._sender)
        mail["To"] = Address(addr_spec=message.to)
        mail["Subject"] = " ".join(message.subject.split()) or self._own_name
        mail["Date"] = format_datetime(message.at)
        mail["Message-ID"] = f"<{mail_token(message.key, self._secret)}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        if message.urgent:
            mail["Importance"] = "high"
        mail.set_content(message.body, cte="quoted-printable")  # every server takes that
        mail["Content-Language"] = message.language  # content sets its own headers anew
        return mail


def _xtext(address: str) -> str:
    return "".join(one if "!" <= one <= "~" and one not in "+=" else f"+{ord(one):02X}" for one in address)


def _plain(text: bytes | str) -> str:
    return told(text.decode("utf-8", "replace") if isinstance(text, bytes) else text)


def _words(error: Exception) -> str:
    """What went wrong, without what was said at sign-in."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"{error.smtp_code} the mail server does not accept our password"
    return told(f"{type(error).__name__} {error}")
