"""Names of an invented city in seven languages, and how other offices write them."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from random import Random

import yaml

_LISTS = yaml.safe_load((Path(__file__).parent / "names.yaml").read_text(encoding="utf-8"))


def _table(text: str) -> dict[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def _pool(lists: dict[str, str]) -> tuple[list[str], list[str], list[str]]:
    """Give family names and those of women and men; some family names are made of a beginning and an end."""
    if "stems" in lists:
        families = [stem + end for end in lists["ends"].split() for stem in lists["stems"].split()]
    else:
        families = lists["families"].split()
    return families, lists.get("women", lists.get("given", "")).split(), lists.get("men", lists.get("given", "")).split()


_FAMILY_SOUNDS, _GIVEN_SOUNDS = _table(_LISTS["zh"]["families"]), _table(_LISTS["zh"]["given"])
_SOUNDS = _FAMILY_SOUNDS | _GIVEN_SOUNDS
_POOLS = {language: _pool(_LISTS[language]) for language in ("es", "de", "ru", "vi", "ar", "en")}
_POOLS["zh"] = (list(_FAMILY_SOUNDS), list(_GIVEN_SOUNDS), list(_GIVEN_SOUNDS))
_WADE_STARTS, _WADE_ENDS, _WADE_WHOLE = (_table(_LISTS["wade_giles"][part]) for part in ("starts", "ends", "whole"))
LANGUAGES = {"zh": 0.34, "es": 0.2, "en": 0.16, "de": 0.1, "ru": 0.08, "vi": 0.06, "ar": 0.06}
_RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_LATIN = "a b v g d e e zh z i i k l m n o p r s t u f kh ts ch sh shch ie y - e iu ia".replace("-", "").split(" ")
_PASSPORT = dict(zip(_RUSSIAN, _LATIN, strict=True))
_GERMAN = {**_PASSPORT, **_table("ж sch з s й j х ch ц z ч tsch ш sch щ schtsch ю ju я ja в w"), "ъ": ""}
_ENGLISH = {**_PASSPORT, "й": "y", "ю": "yu", "я": "ya", "ё": "yo", "ъ": ""}
_UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}


@dataclass(frozen=True, slots=True)
class Written:
    """A name in one language: words as first written; a word may hold its spellings with / between."""

    language: str
    given: tuple[str, ...]
    family: tuple[str, ...]


def _often(rng: Random, names: list[str]) -> str:
    """Choose a name; those that stand first are the common ones."""
    return names[int(len(names) * rng.random() ** 1.8)]


def family_words(rng: Random, language: str) -> tuple[str, ...]:
    """Choose the family name of a household; Spanish ones have two parts."""
    pool = _POOLS[language][0]
    return (_often(rng, pool), _often(rng, pool)) if language == "es" else (_often(rng, pool),)


def given_words(rng: Random, language: str, sex: str) -> tuple[str, ...]:
    """Choose a given name: Chinese ones have two signs, Vietnamese a middle name, some others a second name."""
    pool = _POOLS[language][1 if sex == "F" else 2]
    if language == "zh":
        return (_often(rng, pool) + _often(rng, pool) if rng.random() < 0.95 else _often(rng, pool),)
    if language == "vi":
        return rng.choice(_LISTS["vi"]["middle"].split()), _often(rng, pool)
    if rng.random() < {"es": 0.35, "de": 0.12, "en": 0.12}.get(language, 0):
        return _often(rng, pool), _often(rng, pool)
    return (_often(rng, pool),)


def first_writing(word: str) -> str:
    return word.split("/")[0]


def other_writing(rng: Random, language: str, word: str) -> str:
    """Write a word as another office would: other letters, no accents, another romanisation."""
    if language == "zh":
        style = rng.random()
        if style < 0.5:
            sounds = [_SOUNDS[sign] for sign in word]
            return ("" if rng.random() < 0.7 else " ").join(sounds).capitalize()
        return ("-" if rng.random() < 0.7 else " ").join(_wade(_SOUNDS[sign], rng) for sign in word).capitalize()
    if language == "ru":
        table = rng.choice((_PASSPORT, _GERMAN, _ENGLISH))
        return "".join(table.get(letter, letter) for letter in word.lower()).capitalize()
    if language == "ar":
        return rng.choice(word.split("/"))
    if language == "de" and rng.random() < 0.6:
        return "".join(_UMLAUTS.get(letter, letter) for letter in word)
    return (
        "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))
        .replace("đ", "d")
        .replace("Đ", "D")
    )


def homophone(rng: Random, sign: str) -> str:
    """Choose another sign of the same sound where there is one."""
    same = [other for other, sound in _SOUNDS.items() if sound == _SOUNDS.get(sign) and other != sign]
    return rng.choice(same) if same else sign


def _wade(syllable: str, rng: Random) -> str:
    """Romanise one Pinyin syllable as Wade and Giles do; offices often leave the apostrophe and the dots out."""
    whole = _WADE_WHOLE.get(syllable)
    if whole is None:
        start = next((start for start in ("zh", "ch", "sh", *_WADE_STARTS) if syllable.startswith(start)), "")
        end = syllable[len(start) :]
        whole = _WADE_STARTS.get(start, start) + _WADE_ENDS.get(end, end)
    return whole if rng.random() < 0.3 else whole.replace("'", "").replace("ü", "u")
