"""When a message may leave, what it costs, and what an answer means: by the dated rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from unicodedata import normalize

from epipolis.core import clock, rules
from epipolis.core.rules import RulePack

_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = set("^{}\\[~]|€")


@dataclass(frozen=True, slots=True)
class Limits:
    per_hour: int
    per_day: int


def times(at: datetime) -> RulePack:
    return rules.in_force("notice_times", clock.local_day(at))


def costs(at: datetime) -> RulePack:
    return rules.in_force("notice_costs", clock.local_day(at))


def leaves_at(channel: str, *, urgent: bool, at: datetime, pack: RulePack | None = None) -> datetime:
    """The first moment at which a message may leave: now, or the end of the quiet hours by the city's clock."""
    quiet = (pack or times(at))["quiet"]
    if urgent or channel not in quiet["channels"]:
        return at
    here = at.astimezone(clock.zone())
    starts, ends = time.fromisoformat(quiet["from"]), time.fromisoformat(quiet["until"])
    now = here.time().replace(tzinfo=None)
    is_quiet = starts <= now or now < ends if starts > ends else starts <= now < ends
    if not is_quiet:
        return at
    day = here.date() + timedelta(days=1 if starts > ends and now >= starts else 0)
    # Built from the local day: on a night when the clock is changed the morning is an hour nearer or further.
    return datetime.combine(day, ends, tzinfo=clock.zone()).astimezone(at.tzinfo)


def expires_at(*, urgent: bool, at: datetime, pack: RulePack | None = None) -> datetime:
    hours = (pack or times(at))["expires_hours"]["urgent" if urgent else "other"]
    return at + timedelta(hours=hours)


def limits(*, urgent: bool, pack: RulePack) -> Limits:
    found, kind = pack["limits"], "urgent_" if urgent else ""
    return Limits(found[f"{kind}per_hour"], found[f"{kind}per_day"])


def meaning_of(text: str, at: datetime) -> str:
    """stop, start or help when an answer is one of these words and nothing else; else nothing."""
    said = normalize("NFKC", text).casefold().strip(" .!?,;:。！？，\"'\n\t")
    pack = times(at)
    for meaning in ("stop", "start", "help"):
        if said in {str(word).casefold() for word in pack[f"{meaning}_words"]}:
            return meaning
    return ""


def sms_parts(text: str) -> int:
    """Into how many parts an SMS is cut: 160 letters of the small alphabet, 70 of any other, fewer where it is cut."""
    if set(text) <= _GSM | _GSM_TWICE:
        length = sum(2 if letter in _GSM_TWICE else 1 for letter in text)
        whole, part = 160, 153
    else:
        length, whole, part = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= whole else -(-length // part)


def parts_of(channel: str, text: str) -> int:
    return sms_parts(text) if channel == "sms" else 1


def price(channel: str, parts: int, prices: Mapping[str, float]) -> Decimal:
    return Decimal(str(prices.get(channel, 0))) * parts
