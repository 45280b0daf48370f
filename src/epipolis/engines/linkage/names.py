"""What a name is called by all who write it: one Latin form, the forms it has in other spellings, a phonetic key.

Honest limits: Chinese characters are read in Mandarin, so Cantonese or Hokkien spellings (Wong, Ng) are other names;
Japanese characters are read as Chinese; a Korean name in Hangul has one romanisation; Arabic and Hebrew writing has no
vowels, so a name in it is known by its consonants only.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii

Rules = list[tuple[re.Pattern[str], str, frozenset[str]]]
_REMEMBERED = 100_000
_MARKS = re.compile("[\u0300-\u036f\u064b-\u065f\u0670]")
_JOINED = re.compile("['`\u2018\u2019\u201b\u02bb\u02bc\u02be\u02bf\u00b4\u00b7\u0640]")
_APART = re.compile(r"[\W_]+")
_PARTICLES = frozenset(
    (
        *("al", "el", "la", "las", "los", "de", "del", "della", "der", "den", "da", "di", "do", "dos", "van", "von"),
        *("zu", "zum", "bin", "ibn", "bint", "abu", "y", "und"),
    )
)
_CJK = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_BARE = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")  # Hebrew to Arabic
_TWO_SIGNS = frozenset(
    (
        *("歐陽", "欧阳", "司馬", "司马", "諸葛", "诸葛", "上官", "夏侯", "皇甫", "尉遲", "公孫", "慕容"),
        *("司徒", "令狐", "端木"),
    )
)

# Letters in order: what is longer stands before what it contains.
_INITIAL = "zh|ch|sh|ts|tz|hs|ss|sz|[bpmfdtnlgkhjqxrzcsyw]"
_FINAL = (
    "iang|iong|iung|uang|ang|eng|ing|ong|ung|ien|ian|iao|ieh|ueh|uai|uei|uan|ai|ei|ao|ou|an|en|in|un|erh|er|eh|ih|"
    "ia|ie|iu|ua|ui|uo|ue|a|o|e|i|u|v"
)
_SYLLABLES = re.compile(f"(?:(?:{_INITIAL})?(?:{_FINAL})){{1,4}}")
# What to look for, what it becomes, and the letters without one of which there is nothing to look for.
_MANDARIN: Rules = [
    (re.compile(pattern), by, frozenset(letters))
    for pattern, by, letters in (
        ("ih(?!s?[aeiou])", "i", "h"),
        ("(?<=[aeiou])h(?![aeiou])", "", "h"),
        ("j(?=ung|ui)", "r", "j"),
        ("j(?=[iu])|q|zh", "ch", "jqz"),
        ("j", "r", "j"),
        ("tz|z|c(?!h)", "ts", "zc"),
        ("x", "hs", "x"),
        ("ss|sz", "s", "s"),
        ("(?<=ts)[iz]|(?<![ht])(?<=s)i(?![aen])", "u", "s"),
        ("b", "p", "b"),
        ("d", "t", "d"),
        ("(?<!n)g|g(?=[aeiou])", "k", "g"),
        ("ong", "ung", "g"),
        ("ian(?!g)", "ien", "i"),
        ("yan(?!g)", "yen", "y"),
        ("you", "yu", "y"),
        ("yi", "i", "y"),
        ("uei", "ui", "u"),
        ("uo", "o", "u"),
        ("(?<=[khlt])e(?![inr])", "o", "e"),
        ("v", "u", "v"),
    )
]
_EUROPEAN: Rules = [
    (re.compile(pattern), by, frozenset(letters))
    for pattern, by, letters in (
        ("s?ch(?=t?sch)|shch|sch|sh", "s", "h"),
        ("tch", "ch", "h"),
        ("kh|gh(?=[aeiouy])", "h", "h"),
        ("zh", "z", "h"),
        ("tz|ts", "z", "t"),
        ("ph", "f", "h"),
        ("th", "t", "h"),
        ("dt", "t", "d"),
        ("qu?", "k", "q"),
        ("ck", "k", "c"),
        ("c(?=[eiy])", "s", "c"),
        ("c(?!h)", "k", "c"),
        ("x", "ks", "x"),
        ("w", "v", "w"),
        ("ae", "a", "e"),
        ("oe", "o", "e"),
        ("ue|ou|oo", "u", "uo"),
        ("ee", "i", "e"),
        ("[yj]", "i", "yj"),
        ("(?<=[^c\\W])h(?![aeiou])", "", "h"),
        ("^ie", "e", "i"),
        ("ii+|iei|ei$", "i", "i"),
        (r"(.)\1+", r"\1", "abcdefghijklmnopqrstuvwxyz0123456789"),
    )
]
_VOWELS = re.compile("[aeiouyjvw]")
_HISSES = re.compile("ch|ts|hs|sh|sk(?=[ei])|[sz]")
_CLASSES = {
    ord(letter): by
    for letters, by in (("aeiouyj", ""), ("vwf", "F"), ("bp", "P"), ("dt", "T"), ("gkcqx", "K"), ("mn", "N"), ("lr", "L"))
    for letter in letters
}
_PAST_N = re.compile("NK(?=[A-Z]|$)")
_DOUBLE = re.compile(r"(.)\1+")


@dataclass(frozen=True, slots=True)
class Name:
    """One name read: `whole` is the Latin letters of its `tokens`, without anything between them.

    `european` and `mandarin` are equal for spellings of one name in two systems ("" where it cannot be one); `key` is
    the phonetic key. `is_bare`: written without vowels; such a name is known by its `consonants`.
    """

    tokens: tuple[str, ...]
    whole: str
    european: str
    mandarin: str
    key: str
    consonants: str
    is_bare: bool


def fold(text: str) -> str:
    """Give text in one width, case and without accents and punctuation, words apart by one space; any script stays."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.replace("\u0131", "i"))
        text = unicodedata.normalize("NFKC", _MARKS.sub("", text))
    return _APART.sub(" ", _JOINED.sub("", text.casefold())).strip()


def latin(text: str) -> str:
    """Give folded text in Latin letters: 王小明 is "wangxiaoming", Щербаков "shcherbakov", Nguyễn "nguyen"."""
    folded = fold(text)
    if folded.isascii():
        return folded
    return _APART.sub(" ", _JOINED.sub("", anyascii(folded).lower())).strip()


def european(word: str) -> str:
    """Give one form for the spellings of a Latin word: Müller, Mueller and Muller; Yusuf and Youssef; Sergej and Sergey."""
    return _rewritten(word, _EUROPEAN)


def mandarin(word: str) -> str:
    """Give one form for Pinyin and Wade-Giles (Zhang and Chang, Xie and Hsieh), or "" where `word` can be neither."""
    if not _SYLLABLES.fullmatch(word):
        return ""
    return _rewritten(word, _MANDARIN)


def _rewritten(word: str, rules: Rules) -> str:
    for pattern, by, letters in rules:
        if not letters.isdisjoint(word):
            word = pattern.sub(by, word)
    return word


def skeleton(text: str) -> str:
    """Give the phonetic key of a name: its consonants in classes. Spellings and many typing errors share it."""
    return read_name(text).key


def is_same_name(left: str, right: str) -> bool:
    """Tell whether two ways of writing are one name in another case, script or spelling."""
    first, second = read_name(left), read_name(right)
    if first.whole == second.whole or (first.european and first.european == second.european):
        return bool(first.whole)
    if first.mandarin and first.mandarin == second.mandarin:
        return True
    return (first.is_bare or second.is_bare) and first.consonants == second.consonants != ""


def split_name(given: str, family: str) -> tuple[str, str]:
    """Give given and family name where both stand in one field; a Chinese family name stands first, others last."""
    if bool(given.strip()) == bool(family.strip()):
        return given, family
    text = (given or family).strip()
    if _CJK.match(text) and " " not in text and 2 <= len(text) <= 4:
        size = 2 if text[:2] in _TWO_SIGNS and len(text) > 2 else 1
        return text[size:], text[:size]
    first, _, last = text.rpartition(" ")
    return (first, last) if first else (given, family)


@lru_cache(_REMEMBERED)
def read_name(text: str) -> Name:
    """Read one name field, given or family."""
    words = latin(text).split()
    tokens = tuple(word for word in words if word not in _PARTICLES) or tuple(words)
    whole = "".join(tokens)
    # All words, for a syllable may look like a particle.
    spoken = [mandarin(word) for word in words] if len(words) <= 3 else [""]
    syllables = "".join(spoken) if all(spoken) else ""
    # The key of a name of several words is that of its first, for the others are often left out.
    first = syllables if syllables and len(whole) <= 12 else european(tokens[0]) if tokens else ""
    is_bare = len(whole) > 1 and _BARE.search(text) is not None
    consonants = _DOUBLE.sub(r"\1", _VOWELS.sub("", whole)).removesuffix("h")
    return Name(tokens, whole, european(whole), syllables, _key(first), consonants, is_bare)


def _key(word: str) -> str:
    if not word:
        return ""
    key = word.replace("h", "", 1) if word.startswith("h") and not word.startswith("hs") else word
    key = _HISSES.sub("S", key).translate(_CLASSES)
    key = _DOUBLE.sub(r"\1", _PAST_N.sub("N", key.replace("h", "")))
    return key.upper() or word[0].upper()
