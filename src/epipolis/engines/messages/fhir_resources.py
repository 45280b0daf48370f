"""FHIR R4 as plain JSON: what a message holds, and how one resource finds another.

Read leniently and without fhir.resources: its models take half a second to load and refuse a whole bundle for one field that
nobody reads. What is written here is checked by them (fhir_writing).
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NoReturn

from epipolis.engines.messages.codes import Code, system_of
from epipolis.engines.messages.reports import Header, Mark, MessageError
from epipolis.engines.messages.segments import MOST_BYTES

MOST_RESOURCES = 50_000
Json = dict[str, Any]


def text_of(value: object) -> str:
    """A text of the message without signs that no database keeps; numbers as they were written; "" for anything else."""
    if isinstance(value, str):
        return value.encode("utf-8", errors="replace").decode("utf-8").replace("\0", "").strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    return ""


def dict_of(value: object) -> Json:
    """The object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def dicts_of(value: object) -> list[Json]:
    """The objects of a list; one object alone is taken as a list of one."""
    if isinstance(value, dict):
        return [value]
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def texts_of(value: object) -> list[str]:
    """The texts of a list that are not empty; one alone is taken as a list of one."""
    told = value if isinstance(value, list) else [value]
    return [text for one in told if (text := text_of(one))]


def codes_in(concept: object) -> list[Code]:
    """(system, code) of each coding of a CodeableConcept, systems as `system_of` names them."""
    codings = dicts_of(dict_of(concept).get("coding"))
    return [(system_of(text_of(one.get("system"))), code) for one in codings if (code := text_of(one.get("code")))]


def words_of(concept: object) -> str:
    """A CodeableConcept in words: its text, else the first display, else the first code."""
    told = dict_of(concept)
    codings = dicts_of(told.get("coding"))
    shown = (text_of(one.get(name)) for name in ("display", "code") for one in codings)
    return text_of(told.get("text")) or next((one for one in shown if one), "")


class Resources:
    """The resources of a bundle (or a single resource) with their places in it."""

    def __init__(self, root: Json, marks: list[Mark], digest: str) -> None:
        self.root, self.marks, self.digest = root, marks, digest
        self._found: list[tuple[str, Json]] = []
        self._named: dict[str, int] = {}
        self._kinds: dict[str, list[tuple[str, Json]]] = {}
        if text_of(root.get("resourceType")) == "Bundle":
            for position, entry in enumerate(dicts_of(root.get("entry"))):
                self._add(f"$.entry[{position}].resource", dict_of(entry.get("resource")), text_of(entry.get("fullUrl")))
        else:
            self._add("$", root, "")
        for path, resource in tuple(self._found):
            for position, inner in enumerate(dicts_of(resource.get("contained"))):
                self._add(f"{path}.contained[{position}]", inner, "", owner=path)

    def _add(self, path: str, resource: Json, url: str, owner: str = "") -> None:
        if len(self._found) >= MOST_RESOURCES:
            raise MessageError(path, f"more than {MOST_RESOURCES} resources in one message")
        self._found.append((path, resource))
        self._kinds.setdefault(text_of(resource.get("resourceType")), []).append((path, resource))
        position, name = len(self._found) - 1, text_of(resource.get("id"))
        keys = [f"{owner}#{name}"] if owner else [url, f"{text_of(resource.get('resourceType'))}/{name}"]
        if not owner and url.count("/") > 1:
            keys.append("/".join(url.rsplit("/", 2)[1:]))
        for key in keys:
            if key and not key.endswith(("/", "#")):
                self._named.setdefault(key, position)

    def of(self, kind: str) -> Sequence[tuple[str, Json]]:
        """(path, resource) of every resource of a type, in the order of the message."""
        return self._kinds.get(kind, ())

    def follow(self, reference: object, owner: str) -> tuple[str, Json]:
        """What a Reference of the resource at `owner` points at; ("", {}) if it is not in the message."""
        told = text_of(dict_of(reference).get("reference"))
        if not told:
            return "", {}
        inner = owner.split(".contained[", 1)[0]
        for key in (
            f"{inner}{told}" if told.startswith("#") else told,
            "/".join(told.split("/_history")[0].rsplit("/", 2)[-2:]),
        ):
            if (position := self._named.get(key)) is not None:
                return self._found[position]
        return "", {}


def read_resources(raw: bytes) -> Resources:
    """The resources of FHIR JSON.

    Raises:
        MessageError: it is no JSON object with a resourceType, too large, or nested too deeply.
    """
    if len(raw) > MOST_BYTES:
        raise MessageError("$", f"is larger than {MOST_BYTES} bytes")
    text, marks = _decoded(raw)
    try:
        root = json.loads(text, parse_float=str, parse_int=str, parse_constant=_refuse)
    except RecursionError as error:
        raise MessageError("$", "is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise MessageError("$", f"is no JSON: {error.msg} in line {error.lineno}, sign {error.colno}") from error
    except ValueError as error:
        raise MessageError("$", f"is no JSON: {error}") from error
    if not isinstance(root, dict) or not text_of(root.get("resourceType")):
        raise MessageError("$.resourceType", "is no FHIR resource")
    return Resources(root, marks, hashlib.sha256(raw).hexdigest())


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _decoded(raw: bytes) -> tuple[str, list[Mark]]:
    codec = json.detect_encoding(raw)  # UTF-8 as FHIR says, or one of the others that JSON once allowed
    try:
        return raw.decode(codec), []
    except UnicodeDecodeError:
        return raw.decode(codec, errors="replace"), [Mark("$", "bytes that are not of the character set", codec)]


def header_of_fhir(resources: Resources) -> Header:
    """Who sent which message; a message without a number is known by its content."""
    root = resources.root
    meta = dict_of(root.get("meta"))
    head = next((one for _, one in resources.of("MessageHeader")), {})
    source, target = dict_of(head.get("source")), next(iter(dicts_of(head.get("destination"))), {})
    first = next(iter(dicts_of(root.get("identifier"))), {})
    tags = {text_of(tag.get("code")) for one in (root, head) for tag in dicts_of(dict_of(one.get("meta")).get("tag"))}
    labels = {text_of(tag.get("code")) for tag in dicts_of(meta.get("security"))}
    return Header(
        message_id=text_of(first.get("value")) or text_of(root.get("id")) or f"sha256:{resources.digest}",
        sender=text_of(source.get("name")) or text_of(source.get("endpoint")) or text_of(meta.get("source")),
        facility=text_of(dict_of(head.get("responsible")).get("display")),
        receiver=text_of(target.get("name")),
        kind=text_of(root.get("resourceType")),
        processing="T" if "T" in tags or "HTEST" in labels else "P",
        version="4.0",
        charset="",
        sent=text_of(root.get("timestamp")),
    )
