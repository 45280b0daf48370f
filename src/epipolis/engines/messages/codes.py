"""Which codes of tests and answers mean which disease, kind of test and result: a table, which a city's own codes extend."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from epipolis.engines.messages.reports import KINDS, RESULTS

_SYSTEMS = {
    "LN": "LN",
    "LOINC": "LN",
    "HTTP://LOINC.ORG": "LN",
    "URN:OID:2.16.840.1.113883.6.1": "LN",
    "SCT": "SCT",
    "SNM": "SCT",
    "SNOMED": "SCT",
    "SNOMED-CT": "SCT",
    "SNOMED CT": "SCT",
    "HTTP://SNOMED.INFO/SCT": "SCT",
    "URN:OID:2.16.840.1.113883.6.96": "SCT",
    "I10": "I10",
    "ICD10": "I10",
    "ICD-10": "I10",
    "HTTP://HL7.ORG/FHIR/SID/ICD-10": "I10",
    "UCUM": "UCUM",
    "HTTP://UNITSOFMEASURE.ORG": "UCUM",
}
URIS = {
    "LN": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "I10": "http://hl7.org/fhir/sid/icd-10",
    "UCUM": "http://unitsofmeasure.org",
}
YES = {"Y": "yes", "YES": "yes", "373066001": "yes", "TRUE": "yes", "1": "yes", "LA33-6": "yes"} | {
    "77386006": "yes",  # pregnant
    **dict.fromkeys(("N", "NO", "373067005", "FALSE", "0", "LA32-8", "60001007"), "no"),
    **dict.fromkeys(("U", "UNK", "UNKNOWN", "261665006", "ASKU", "NASK", "LA4489-6"), "unknown"),
}
_EDGES = re.compile(r"[\s.,;:!()\[\]/_–—-]+")
Code = tuple[str, str]


def system_of(text: str) -> str:
    """LN, SCT, I10 or UCUM for whatever name or address a message uses; any other as sent."""
    return _SYSTEMS.get(text.strip().upper(), text.strip())


def uri_of(system: str) -> str:
    """The address of a code system in FHIR; "" for one that has none that is known."""
    if system in URIS:
        return URIS[system]
    if re.fullmatch(r"\d+(\.\d+)+", system):
        return f"urn:oid:{system}"
    return system if re.match(r"(https?://|urn:)", system) else ""


def answer_of(*told: str) -> str:
    """yes, no or unknown of the first of several codes or words that says one; "" if none does."""
    return next((YES[key] for text in told if (key := text.strip().upper()) in YES), "")


@dataclass(frozen=True)
class Tests:
    """The table: codes are (system, code), systems as `system_of` names them."""

    tests: Mapping[Code, tuple[str, str]]
    organisms: Mapping[Code, str]
    results: Mapping[Code, str]
    flags: Mapping[str, str]
    words: Mapping[str, str]
    filler: frozenset[str]
    answers: Mapping[Code, str]
    onsets: frozenset[Code]
    devices: frozenset[Code]
    specimens: frozenset[Code]
    diseases: Mapping[str, Mapping[str, str]]

    def plus(self, tests: Mapping[Code, tuple[str, str]], results: Mapping[Code, str] | None = None) -> "Tests":
        """The same with codes of one's own: (system, code) → (disease, kind), and (system, code) → result.

        Raises:
            ValueError: a kind or a result is none of KINDS and RESULTS.
        """
        for code, (_, kind) in tests.items():
            if kind not in KINDS:
                raise ValueError(f"{code}: the kind must be one of {', '.join(KINDS)}, not {kind!r}")
        for code, result in (results or {}).items():
            if result not in RESULTS:
                raise ValueError(f"{code}: the result must be one of {', '.join(RESULTS)}, not {result!r}")
        return replace(self, tests={**self.tests, **tests}, results={**self.results, **(results or {})})

    def test(self, codes: Iterable[Code]) -> tuple[str, str]:
        """Disease and kind of the first code that is known; ("", "") if none is."""
        return next((found for code in codes if (found := self.tests.get(code))), ("", ""))

    def result(self, codes: Iterable[Code], text: str, flag: str) -> tuple[str, str]:
        """Result, and the disease that the value itself names; ("", "") for an answer that is no result.

        Codes decide before words, words before the laboratory's flag.
        """
        codes = list(codes)
        for code in codes:
            if organism := self.organisms.get(code):
                return "positive", organism
            if found := self.results.get(code):
                return found, ""
        return self.result_of(text) or self.flags.get(flag.strip().upper(), ""), ""

    def result_of(self, text: str) -> str:
        """The result that an answer in words says; "" for one that says none, or more than one."""
        if not text or len(text) > 100:
            return ""
        if known := self.words.get(text.strip()):
            return known
        bare = folded(text)
        if known := self.words.get(bare):
            return known
        tokens = [token for token in bare.split(" ") if token and token not in self.filler]
        return self.words.get(" ".join(tokens), "") if tokens else ""

    def disease_of(self, system: str, code: str) -> str:
        """The disease that a diagnosis code (ICD-10, SNOMED CT) names; "" if none."""
        for name, codes in self.diseases.items():
            if codes.get(system) == code:
                return name
        return ""


def folded(text: str) -> str:
    """Lower case, no marks on letters, one blank for every stretch of punctuation."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))
    return _EDGES.sub(" ", plain).strip()


def read_tests(text: str) -> Tests:
    """A table of tests from YAML, of the form of the package's own.

    Raises:
        ValueError: it is no such table; what is wrong is named.
    """
    try:
        told: Any = yaml.safe_load(text)
        return _tests(told)
    except (yaml.YAMLError, AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"this is no table of tests: {error}") from error


def _tests(told: dict[str, Any]) -> Tests:
    tests = {
        (system, str(code)): (disease, kind)
        for system, diseases in told["tests"].items()
        for disease, kinds in diseases.items()
        for kind, codes in kinds.items()
        for code in codes
    }
    if wrong := {kind for _, kind in tests.values()} - set(KINDS):
        raise ValueError(f"unknown kinds of test: {', '.join(sorted(wrong))}")
    results = {
        (system, str(code)): result
        for system, lists in told["results"].items()
        for result, codes in lists.items()
        for code in codes
    }
    words = {form: result for result, list_ in told["words"].items() for word in list_ for form in (word, folded(word)) if form}
    if wrong := {*results.values(), *words.values()} - set(RESULTS):
        raise ValueError(f"unknown results: {', '.join(sorted(wrong))}")
    return Tests(
        tests=tests,
        organisms=_coded(told["organisms"]),
        results=results,
        flags={flag: result for result, flags in told["flags"].items() for flag in flags},
        words=words,
        filler=frozenset(str(word) for word in told["filler"]),
        answers=_coded(told["answers"]),
        onsets=_listed(told["onsets"]),
        devices=_listed(told["devices"]),
        specimens=_listed(told["specimens"]),
        diseases={name: {key: str(code) for key, code in codes.items()} for name, codes in told["diseases"].items()},
    )


def _coded(told: dict[str, dict[Any, str]]) -> dict[Code, str]:
    return {(system, str(code)): name for system, codes in told.items() for code, name in codes.items()}


def _listed(told: dict[str, list[Any]]) -> frozenset[Code]:
    return frozenset((system, str(code)) for system, codes in told.items() for code in codes)


@cache
def usual_tests() -> Tests:
    """The table of the package."""
    return read_tests((files("epipolis.engines.messages") / "tests.yaml").read_text(encoding="utf-8"))
