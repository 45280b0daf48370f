"""The rules of CAP 1.2 (OASIS, 1 July 2010; its schema and section 3) as tables, to judge documents by."""

import re
from xml.etree import ElementTree as ET

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
_MANY = 10**6
# Elements in their order: how many at least and at most.
_ALERT = {
    "identifier": (1, 1), "sender": (1, 1), "sent": (1, 1), "status": (1, 1), "msgType": (1, 1), "source": (0, 1),
    "scope": (1, 1), "restriction": (0, 1), "addresses": (0, 1), "code": (0, _MANY), "note": (0, 1),
    "references": (0, 1), "incidents": (0, 1), "info": (0, _MANY),
}  # fmt: skip
_INFO = {
    "language": (0, 1), "category": (1, _MANY), "event": (1, 1), "responseType": (0, _MANY), "urgency": (1, 1),
    "severity": (1, 1), "certainty": (1, 1), "audience": (0, 1), "eventCode": (0, _MANY), "effective": (0, 1),
    "onset": (0, 1), "expires": (0, 1), "senderName": (0, 1), "headline": (0, 1), "description": (0, 1),
    "instruction": (0, 1), "web": (0, 1), "contact": (0, 1), "parameter": (0, _MANY), "resource": (0, _MANY),
    "area": (0, _MANY),
}  # fmt: skip
_RESOURCE = {
    "resourceDesc": (1, 1), "mimeType": (1, 1), "size": (0, 1), "uri": (0, 1), "derefUri": (0, 1), "digest": (0, 1),
}  # fmt: skip
_AREA = {
    "areaDesc": (1, 1), "polygon": (0, _MANY), "circle": (0, _MANY), "geocode": (0, _MANY), "altitude": (0, 1),
    "ceiling": (0, 1),
}  # fmt: skip
_PAIR = {"valueName": (1, 1), "value": (1, 1)}
_CHILDREN = {
    "alert": _ALERT, "info": _INFO, "resource": _RESOURCE, "area": _AREA, "eventCode": _PAIR, "parameter": _PAIR,
    "geocode": _PAIR,
}  # fmt: skip
_WORDS = {
    "status": {"Actual", "Exercise", "System", "Test", "Draft"},
    "msgType": {"Alert", "Update", "Cancel", "Ack", "Error"},
    "scope": {"Public", "Restricted", "Private"},
    "category": {
        "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other",
    },
    "responseType": {"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"},
    "urgency": {"Immediate", "Expected", "Future", "Past", "Unknown"},
    "severity": {"Extreme", "Severe", "Moderate", "Minor", "Unknown"},
    "certainty": {"Observed", "Likely", "Possible", "Unlikely", "Unknown"},
}  # fmt: skip
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
_NUMBER = r"-?\d{1,3}(?:\.\d+)?"
_POINT = re.compile(rf"({_NUMBER}),({_NUMBER})")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_NAME = re.compile(r"[^\s,<&]+")


def problems_of(document: bytes) -> list[str]:
    """What is wrong with a document, in words; nothing when it is CAP 1.2."""
    root = ET.fromstring(document)  # noqa: S314 -- our own document
    if root.tag != f"{{{NAMESPACE}}}alert":
        return [f"the root is {root.tag}"]
    found = _structure(root, "alert")
    return found or [
        *_rules_of_alert(root),
        *(problem for info in root.findall(_own("info")) for problem in _rules_of_info(info)),
    ]


def _own(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _structure(element: ET.Element, name: str) -> list[str]:
    """Order, number and kind of the elements, at every depth."""
    rules, found = _CHILDREN.get(name), []
    names = [one.tag.removeprefix(_own("")) for one in element]
    if element.attrib:
        found.append(f"{name} has attributes")
    if rules is None:
        return found + ([f"{name} has elements in it"] if names else _value(name, element.text or ""))
    if unknown := [one for one in names if one not in rules]:
        return [*found, f"{name} knows no {unknown[0]}"]
    places = [list(rules).index(one) for one in names]
    if places != sorted(places):
        found.append(f"the elements of {name} are out of order")
    for child, (least, most) in rules.items():
        if not least <= names.count(child) <= most:
            found.append(f"{name} has {names.count(child)} {child}")
    return found + [problem for child, tag in zip(element, names, strict=True) for problem in _structure(child, tag)]


def _value(name: str, text: str) -> list[str]:
    if not text.strip():
        return [f"{name} is empty"]
    if name in _WORDS and text not in _WORDS[name]:
        return [f"{name} is {text}"]
    if name in ("sent", "effective", "onset", "expires") and not _MOMENT.fullmatch(text):
        return [f"{name} is no moment: {text}"]
    if name in ("identifier", "sender") and not _NAME.fullmatch(text):
        return [f"{name} has a space, a comma or a mark in it: {text}"]
    if name == "language" and not _LANGUAGE.fullmatch(text):
        return [f"language is {text}"]
    if name == "polygon":
        return _polygon(text)
    if name == "circle":
        return _circle(text)
    return []


def _polygon(text: str) -> list[str]:
    points = text.split(" ")
    if not all(_is_point(one) for one in points):
        return ["a polygon is made of pairs of latitude and longitude"]
    if len(points) < 4 or points[0] != points[-1]:
        return ["a polygon has at least four points and ends where it begins"]
    return []


def _circle(text: str) -> list[str]:
    point, _, radius = text.partition(" ")
    return [] if _is_point(point) and re.fullmatch(r"\d+(\.\d+)?", radius) else ["a circle is a point and a radius"]


def _is_point(text: str) -> bool:
    found = _POINT.fullmatch(text)
    return bool(found) and abs(float(found[1])) <= 90 and abs(float(found[2])) <= 180


def _rules_of_alert(root: ET.Element) -> list[str]:
    told = {name: root.findtext(_own(name)) for name in _ALERT}
    found = []
    if told["scope"] == "Restricted" and not told["restriction"]:
        found.append("what is restricted says for whom")
    if told["scope"] == "Private" and not told["addresses"]:
        found.append("what is private says to whom")
    if told["msgType"] in ("Update", "Cancel", "Ack", "Error") and not told["references"]:
        found.append("it says to which alerts it refers")
    for one in (told["references"] or "").split():
        parts = one.split(",")
        if len(parts) != 3 or not _MOMENT.fullmatch(parts[2]):
            found.append("a reference is sender,identifier,sent")
    if told["msgType"] in ("Alert", "Update") and root.find(_own("info")) is None:
        found.append("an alert says something")
    return found


def _rules_of_info(info: ET.Element) -> list[str]:
    area, expires = info.find(_own("area")), info.findtext(_own("expires"))
    found = [] if expires else ["it says when it ends"]
    if area is None or not any(area.find(_own(name)) is not None for name in ("polygon", "circle", "geocode")):
        found.append("it says where")
    if len(info.findtext(_own("headline"), "")) > 160:
        found.append("a headline has at most 160 letters")
    return found
