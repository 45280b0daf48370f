"""Ways out: which provider carries which channel, made from the city's settings."""

from functools import cache

from django.conf import settings as platform

from epipolis.act.notices.models import Channel
from epipolis.act.notices.queries import is_ready
from epipolis.act.notices.settings import settings
from epipolis.core.sealing import fingerprint, key

from .by_people import Desk, Missing, OwnPage
from .gateway import Gateway, read_told
from .mail import Mail
from .mailbox import Box, Mailbox, MailboxError
from .messages import Answer, Message, Outcome, Provider, Report, Reporter
from .push import GONE, Push, encrypted, may_be_asked, public_key, signing_key
from .returned import Returned, mail_token, read_returned
from .signatures import SIGNATURE, check_signed, signed
from .simulated import NAME as SIMULATED
from .simulated import REPORTS, Simulated
from .simulated_mailbox import SimulatedMailbox
from .whatsapp import WhatsApp

WITHOUT_KEYS = tuple(one for one, kind in ((Channel.EMAIL, Mail), (Channel.WHATSAPP, WhatsApp)) if not kind.is_idempotent)
"""Channels whose providers would take the same message twice."""


@cache
def provider_of(channel: str, *, simulated: bool) -> Provider:
    """Who carries a channel. What is for somebody made up never leaves the platform."""
    if channel in (Channel.VOICE, Channel.LETTER):
        return Desk()
    if channel == Channel.IN_APP:
        return OwnPage()
    if simulated:
        return Simulated()
    return _real(channel) if is_ready(channel) else Missing()


def _real(channel: str) -> Provider:
    lines, seconds = settings.lines, float(settings.timeout_seconds)
    if channel == Channel.SMS:
        own = {"token": settings.sms_token, "sender": settings.sms_sender, "secret": settings.sms_secret}
        return Gateway(settings.sms_url, **own, lines=lines, seconds=seconds)
    if channel == Channel.WHATSAPP:
        return _whatsapp()
    if channel == Channel.PUSH:
        hosts = [one.strip() for one in settings.push_hosts.split(",") if one.strip()]
        return Push(key("push"), contact=settings.push_contact, hosts=hosts, seconds=seconds)
    return Mail(
        settings.smtp_host, settings.smtp_port, sender=settings.sender, name=platform.EPIPOLIS_CITY,
        secret=mail_secret(), returns=settings.return_address, user=settings.smtp_user,
        password=settings.smtp_password, security=settings.smtp_security, seconds=seconds,
    )  # fmt: skip


def _whatsapp() -> WhatsApp:
    return WhatsApp(
        settings.whatsapp_url, number=settings.whatsapp_number, token=settings.whatsapp_token,
        secret=settings.whatsapp_secret, lines=settings.lines, seconds=float(settings.timeout_seconds),
    )  # fmt: skip


def reporter_of(name: str) -> Reporter:
    """Whose reports come under this name; without a secret of theirs none is believed.

    Raises:
        LookupError: nobody's.
    """
    if name == SIMULATED:
        return Gateway("http://127.0.0.1", token="", sender="", secret=simulated_secret(), name=SIMULATED)
    if name == "sms":
        return Gateway("http://127.0.0.1", token="", sender="", secret=settings.sms_secret)
    if name == "whatsapp":
        return _whatsapp()
    raise LookupError(f"there is no provider {name!r}")


def mailboxes() -> list[Mailbox | SimulatedMailbox]:
    """Where mail comes back to: the city's mailbox, if it has one, and that of the simulated provider."""
    found: list[Mailbox | SimulatedMailbox] = [SimulatedMailbox(mail_secret())]
    if settings.imap_host:
        found.append(
            Mailbox(
                settings.imap_host, settings.imap_port, user=settings.imap_user, password=settings.imap_password,
                folder=settings.imap_folder, done=settings.imap_done, security=settings.imap_security,
                seconds=float(settings.timeout_seconds),
            )
        )  # fmt: skip
    return found


def mail_secret() -> bytes:
    return key("mail")


def simulated_secret() -> str:
    return fingerprint("the simulated provider signs its reports")


def push_key() -> str:
    """What a browser is told before it subscribes."""
    return public_key(signing_key(key("push")))


__all__ = [
    "GONE",
    "REPORTS",
    "SIGNATURE",
    "SIMULATED",
    "WITHOUT_KEYS",
    "Answer",
    "Box",
    "Desk",
    "Gateway",
    "Mail",
    "Mailbox",
    "MailboxError",
    "Message",
    "Missing",
    "Outcome",
    "OwnPage",
    "Provider",
    "Push",
    "Report",
    "Reporter",
    "Returned",
    "Simulated",
    "SimulatedMailbox",
    "WhatsApp",
    "check_signed",
    "encrypted",
    "mail_secret",
    "mail_token",
    "mailboxes",
    "may_be_asked",
    "provider_of",
    "public_key",
    "push_key",
    "read_returned",
    "read_told",
    "reporter_of",
    "signed",
    "signing_key",
    "simulated_secret",
]
