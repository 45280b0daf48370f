"""Declaring by text message: words of three languages in, one short answer out. No smartphone is needed."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings as django_settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from epipolis.core import audit, clock
from epipolis.sense.cases.models import State, Symptom
from epipolis.sense.declarations import queries
from epipolis.sense.declarations.models import Channel, Household, Purpose
from epipolis.sense.people.services import PersonRow

from .declaring import Answers, declare
from .households import allow, forget_household, name_member, start_household

_ALSO = {
    "fever": ("fever", "fiebre", "發燒", "发烧", "發熱", "temperature"),
    "cough": ("cough", "coughing", "tos", "咳嗽", "咳"),
    "dyspnoea": ("breath", "breathless", "ahogo", "disnea", "喘", "呼吸困難", "呼吸困难"),
    "anosmia": ("smell", "olfato", "嗅覺", "嗅觉"),
    "sore_throat": ("throat", "garganta", "喉嚨痛", "喉咙痛"),
    "runny_nose": ("runny", "mocos", "nariz", "流鼻水", "流鼻涕"),
    "fatigue": ("tired", "weak", "cansancio", "cansado", "cansada", "疲倦", "無力"),
    "headache": ("headache", "jaqueca", "頭痛", "头痛"),
    "myalgia": ("muscle", "muscles", "musculares", "肌肉痛", "肌肉酸痛"),
    "diarrhoea": ("diarrhea", "diarrhoea", "diarrea", "腹瀉", "拉肚子"),
    "altered_mental_status": ("confused", "confundido", "confundida", "意識不清"),
}
_WELL = frozenset(("well", "ok", "fine", "none", "bien", "sano", "sana", "ninguno", "健康", "無症狀", "无症状", "沒事"))
_STOP = frozenset(("stop", "alto", "baja", "停止", "取消"))
_CALL = frozenset(("call", "llamar", "llámame", "llamame", "請來電", "回電"))
_LONGEST = 480


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered, in the language of the message: at most 300 characters, two text messages."""

    text: str
    advice: str = ""


@transaction.atomic
def take_text(phone: str, text: str, *, by: audit.Actor, at: datetime, message_id: str = "") -> Reply:
    """Take one text message: symptoms in words, WELL, CALL (to be called back) or STOP (to be erased).

    The same message of a gateway twice changes nothing.
    """
    words = _words(text[:_LONGEST])
    found = _symptoms(words)
    household = queries.household_of_sender(phone)
    language = _language(words) or (household.language if household else "") or django_settings.LANGUAGE_CODE
    with translation.override(language):
        if words & _STOP:
            if household:
                forget_household(household.id, by=by, at=at)
            return Reply(_("All that you sent is erased. Send WELL or your symptoms to begin again."))
        if not found and not words & _WELL and not words & _CALL:
            return Reply(
                _("Send your symptoms, for example: FEVER COUGH. Or WELL, CALL to be called, STOP to erase everything.")
            )
        household = household or _start(phone, language, by=by, at=at)
        if words & _CALL:
            _let_call(household, phone, by=by, at=at)
            if not found and not words & _WELL:
                return Reply(_("Somebody of the health office will call you."))
        return _declare(household, found, f"{phone} {message_id}" if message_id else "", by=by, at=at)


def _declare(household: Household, found: set[str], reference: str, *, by: audit.Actor, at: datetime) -> Reply:
    asked = [name for name, _text in queries.asked_symptoms(clock.local_day(at))]
    # Who names symptoms leaves the others open; only WELL answers them all.
    answers = dict.fromkeys(found, str(State.YES)) if found else dict.fromkeys(asked, str(State.NO))
    circumstances = {} if found else {"contact_of_case": str(State.NO)}
    [member] = household.members.order_by("added", "id")[:1]
    client_id = uuid5(NAMESPACE_URL, f"epipolis text {household.id} {reference}") if reference else None
    made = declare(member.id, Answers(answers, circumstances), channel=Channel.SMS, by=by, at=at, client_id=client_id)
    names = dict(Symptom.choices)
    understood = ", ".join(str(names[name]) for name in sorted(found)) or _("no symptoms")
    text = _("Noted: %(what)s. %(advice)s. Reply CALL to be called, STOP to erase everything.")
    return Reply(text % {"what": understood, "advice": made.get_advice_display()}, made.advice)


def _start(phone: str, language: str, *, by: audit.Actor, at: datetime) -> Household:
    started = start_household(by=by, at=at, language=language, phone=phone)
    return Household.objects.get(id=started.household)


def _let_call(household: Household, phone: str, *, by: audit.Actor, at: datetime) -> None:
    allow(household.id, Purpose.CARE, True, by=by, at=at)
    [member] = household.members.order_by("added", "id")[:1]
    if member.person_id is None:
        name_member(member.id, PersonRow(phones=(phone,), language=household.language), by=by, at=at)


def _words(text: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return frozenset("".join(one if one.isalnum() else " " for one in plain).split())


def _symptoms(words: frozenset[str]) -> set[str]:
    whole = "".join(words)
    by_word = _known_words()
    # Chinese is written without spaces: there a word is looked for within what was sent.
    return {name for word, name in by_word.items() if word in words or (not word.isascii() and len(word) > 1 and word in whole)}


@cache
def _known_words() -> dict[str, str]:
    return {word: name for name, also in _ALSO.items() for word in also}


def _language(words: frozenset[str]) -> str:
    if any("\u4e00" <= letter <= "\u9fff" for word in words for letter in word):
        return "zh-hant"
    spanish = {"fiebre", "tos", "bien", "sano", "sana", "alto", "baja", "llamar", "llámame", "llamame", "garganta", "diarrea"}
    if words & (spanish | {"ahogo", "olfato", "mocos", "nariz", "cansancio", "jaqueca", "musculares", "ninguno"}):
        return "es"
    english = {"fever", "cough", "well", "ok", "fine", "none", "stop", "call", "breath", "smell", "throat", "tired", "headache"}
    return "en" if words & english else ""
