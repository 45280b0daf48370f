"""`make translations`: gather every text of the platform, bring the catalogues up to date, compile them, say what is missing.

Texts are marked with gettext in Python and with `translate` in templates; titles in a `module.py`, the `text` of a
rule's criteria and what a wording is `about` need no mark. Each language has one catalogue for the whole platform.
"""

import ast
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import yaml
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "epipolis"
LOCALE = SOURCE / "core" / "locale"
LANGUAGES = ("es", "zh_Hant")
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
}
_NOISE = (b'"POT-', b'"PO-Rev', b'"Last-Tr', b'"Project-Id', b'"Report-', b'"Language-Team', b'"Generated-By')
_PLACE = re.compile(r"%\((\w+)\)")
DECLARED = {  # what a module declares → its parts that people read, by position or by name
    "Module": {"title"},
    "Page": {0, "title"},
    "Tile": {0, "title", "definition", "source"},
    "Layer": {1, "title"},
    "Can": {0, "text"},
    "Task": {1, "title"},
    "Loader": {1, "title"},
    "Column": {2, "meaning"},
    "Importer": {1, "title", "fields"},
    "Exporter": {1, "title", "allowed_for"},
    "Keep": {0, "name", "why"},
}


def messages() -> Catalog:
    """Every text that people read, from Python, templates and declarations."""
    found = Catalog(charset="utf-8")
    for path in sorted(SOURCE.rglob("*")):
        where = str(path.relative_to(ROOT))
        if path.suffix == ".py" and "migrations" not in path.parts:
            text = path.read_bytes()
            for line, _function, message, comments in extract_python(BytesIO(text), KEYWORDS, (), {"encoding": "utf-8"}):
                _add(found, message, where, line, comments, KEYWORDS[_function])
            for message in declared(ast.parse(text)):
                found.add(message, locations=[(where, 0)])
        elif path.suffix == ".yaml" and "rules" in path.parts:
            for message in spoken(yaml.safe_load(path.read_bytes())["content"]):
                found.add(message, locations=[(where, 0)])
        elif path.suffix == ".yaml" and "wordings" in path.parts:
            for one in yaml.safe_load(path.read_bytes()).values():
                found.add(one["about"], locations=[(where, 0)])
        elif path.suffix in (".html", ".txt") and "templates" in path.parts:
            code = templatized(path.read_text(encoding="utf-8")).encode()
            for line, _function, message, comments in extract_python(BytesIO(code), KEYWORDS, (), {"encoding": "utf-8"}):
                _add(found, message, where, line, comments, KEYWORDS.get(_function))
    return found


def _add(found: Catalog, message: object, where: str, line: int, comments: list[str], spec: object) -> None:
    context = None
    if isinstance(message, tuple):
        if spec and spec[0] == (1, "c"):  # type: ignore[index]  # -- pgettext: the first argument is the context
            context, message = message[0], message[1]
        elif None in message:
            message = tuple(part for part in message if isinstance(part, str))[:2]
    if message and (isinstance(message, str) or all(isinstance(part, str) for part in message)):
        found.add(message, locations=[(where, line)], context=context)


def templatized(text: str) -> str:
    """A Django template as Python-like source without indents, which Babel's Python reader understands."""
    from django.utils.translation.template import templatize

    return "\n".join(line.lstrip() for line in templatize(text).split("\n"))


def declared(tree: ast.AST) -> Iterator[str]:
    """The plain texts in declarations such as `Page("Line list", …)`."""
    for node in ast.walk(tree):
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if name not in DECLARED:
            continue
        parts = dict(enumerate(node.args)) | {word.arg: word.value for word in node.keywords}
        for key in DECLARED[name] & parts.keys():
            values = parts[key].values if isinstance(parts[key], ast.Dict) else [parts[key]]
            for value in values:
                if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                    yield value.value


def spoken(rule: object) -> Iterator[str]:
    """The criteria of a rule pack in words: what stands under `text`, however deep."""
    if isinstance(rule, dict):
        for key, value in rule.items():
            if key == "text" and isinstance(value, str):
                yield value
            else:
                yield from spoken(value)
    elif isinstance(rule, list):
        for part in rule:
            yield from spoken(part)


def catalogue(language: str) -> Catalog:
    """A language's catalogue as it is stored."""
    path = LOCALE / language / "LC_MESSAGES" / "django.po"
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        found = read_po(file, locale=language, charset="utf-8")
    found.creation_date = found.revision_date = datetime(2026, 1, 1, tzinfo=UTC)  # the same texts give the same file
    return found


def missing(stored: Catalog, wanted: Catalog) -> list[str]:
    """The texts that have no translation, or one that lost or invented a placeholder."""
    found = []
    for message in wanted:
        if not message.id:
            continue
        known = stored.get(message.id, message.context)
        if known is None or known.fuzzy or not _fits(_forms(message.id), _forms(known.string)):
            found.append(_forms(message.id)[0])
    return found


def _forms(text: object) -> list[str]:
    return [str(part or "") for part in text] if isinstance(text, list | tuple) else [str(text or "")]


def _fits(source: list[str], translated: list[str]) -> bool:
    names = set(_PLACE.findall(" ".join(source)))
    return all(translated) and all(set(_PLACE.findall(form)) == names for form in translated[-1:])


def update(language: str, wanted: Catalog) -> list[str]:
    """Bring one catalogue up to date, compile it and return what it lacks."""
    stored = catalogue(language)
    stored.update(wanted, no_fuzzy_matching=True, update_creation_date=False)
    stored.obsolete.clear()
    stored.fuzzy = False
    stored.header_comment = "# The platform's texts. Written by `make translations`; translate here."
    folder = LOCALE / language / "LC_MESSAGES"
    folder.mkdir(parents=True, exist_ok=True)
    text = BytesIO()
    write_po(text, stored, width=120, no_location=True, omit_header=False, sort_output=True)
    kept = (line for line in text.getvalue().splitlines(keepends=True) if not line.startswith(_NOISE))
    (folder / "django.po").write_bytes(b"".join(kept))
    with (folder / "django.mo").open("wb") as file:
        write_mo(file, catalogue(language))
    return missing(stored, wanted)


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "epipolis.server.settings")
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_I18N=True)
    wanted, lacking = messages(), 0
    for language in LANGUAGES:
        found = update(language, wanted)
        lacking += len(found)
        print(f"{language}: {len(wanted)} texts, {len(found)} without a translation")
        for text in found:
            print("   ", text[:110].replace("\n", " "))
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
