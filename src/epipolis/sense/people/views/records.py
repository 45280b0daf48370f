"""Pages about people: find, see, register, correct, erase; and for the citizen, what is held and who looked."""

import json
from uuid import UUID

import segno
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from epipolis.core import clock
from epipolis.core.access import needs, public
from epipolis.sense.people import queries, services
from epipolis.sense.people.forms import CodeForm, Erasure, PersonForm, Reason, Search
from epipolis.sense.people.settings import settings as own

ACTIONS = {
    "people.register": gettext_noop("registered"),
    "people.correct": gettext_noop("corrected"),
    "people.erase": gettext_noop("erased"),
    "people.issue_code": gettext_noop("return code issued"),
    "people.merge": gettext_noop("merged with another record"),
    "people.unmerge": gettext_noop("taken apart from another record"),
    "people.answer": gettext_noop("compared with another record"),
}
FIELDS = {
    "given_name": gettext_noop("given name"),
    "family_name": gettext_noop("family name"),
    "birth": gettext_noop("birth date"),
    "sex": gettext_noop("sex"),
    "language": gettext_noop("language"),
    "neighbourhood": gettext_noop("neighbourhood"),
    "address": gettext_noop("address"),
    "phones": gettext_noop("telephones"),
    "emails": gettext_noop("e-mail"),
    "identifiers": gettext_noop("numbers"),
}


@needs("people.view_names")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def search(request: HttpRequest) -> HttpResponse:
    """Find a person. By POST, for a name in an address would stay in logs and in the browser's history."""
    form, found, at = Search(request.POST or None), None, clock.now()
    if request.method == "POST" and form.is_valid():
        people = queries.search(form.cleaned_data["text"], by=request.user, at=at)
        names = queries.named([one.id for one in people], by=request.user, at=at, why="search")
        found = [(one, names.get(one.id)) for one in people]
    return render(request, "people/search.html", {"form": form, "found": found})


@needs("people.view_names")
@never_cache
@require_safe
def person(request: HttpRequest, person: UUID) -> HttpResponse:
    """One person's record, of all merged rows together; opening it is written down."""
    at = clock.now()
    holder = queries.same_person(person)[0]
    if holder != person:
        return redirect("people:person", holder)
    record = _found(queries.record_of(person, by=request.user, at=at, why="person"))
    context = {
        "record": record,
        "rows": _rows(record),
        "reason": Reason(),
        "numbers": [(queries.kind_text(kind), masked) for kind, masked in record.identifiers],
        "looks": queries.reads_of(person).count(),
        "history": [entry | {"action": _words(ACTIONS, entry["action"])} for entry in _history(person)],
    }
    return render(request, "people/person.html", context)


@needs("people.register")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Write down somebody new, or find who has this number already."""
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            found = services.match_person(services.PersonRow(**form.values()), by=request.user, at=clock.now())
        except services.PersonError as error:
            form.refuse(error)
        else:
            messages.success(request, _registered(found))
            return redirect("people:person", found.holder)
    return render(request, "people/register.html", {"form": form})


@needs("people.register")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: HttpRequest, person: UUID) -> HttpResponse:
    """Make a record right; the trail keeps which fields changed."""
    at = clock.now()
    form = PersonForm(request.POST or None, initial=_initial(request, person) if request.method != "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            changed = services.correct_person(person, form.values(), by=request.user, at=at)
        except services.PersonError as error:
            form.refuse(error)
        except LookupError as error:
            raise Http404 from error
        else:
            names = ", ".join(_words(FIELDS, name) for name in changed)
            messages.success(
                request, _("Corrected: %(fields)s.") % {"fields": names} if changed else _("Nothing was different.")
            )
            return redirect("people:person", person)
    return render(request, "people/correct.html", {"form": form, "person": person})


@needs("people.erase")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, person: UUID) -> HttpResponse:
    """Erase everything that tells who somebody is, after asking once more."""
    row = _found(queries.person(person))
    form = Erasure(request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.erase_person(person, by=request.user, at=clock.now(), reason=form.cleaned_data["reason"])
        messages.success(request, _("Erased. The number stays for the counts; who it was cannot be found any more."))
        return redirect("people:person", person)
    return render(request, "people/erase.html", {"form": form, "person": row})


@needs("people.register")
@never_cache
@require_POST
def issue_code(request: HttpRequest, person: UUID) -> HttpResponse:
    """A letter with a new return code, to print and hand over; the code is shown this once."""
    try:
        code = services.issue_return_code(person, by=request.user, at=clock.now())
    except LookupError as error:
        raise Http404 from error
    address = f"{settings.EPIPOLIS_ADDRESS}/people/mine/"
    picture = segno.make(f"{address}#{code}", error="m").svg_inline(scale=5, border=2)
    context = {
        "code": code,
        "address": address,
        "picture": mark_safe(picture),  # noqa: S308 -- drawn here from letters and digits
        "days": own.code_days,
        "languages": [code for code, _name in settings.LANGUAGES],
        "person": person,
    }
    return render(request, "people/letter.html", context)


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    """For everybody: what is held about me, and who looked. The code never stands in an address."""
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        try:
            found = services.open_return_code(code, at=clock.now())
        except services.CodeError as error:
            form.add_error("code", _(str(error)))
            return render(request, "people/mine.html", {"form": form}, status=429 if error.locked else 403)
        context = {"held": queries.what_is_held(found), "looks": queries.by_day(queries.looks_at(found)), "code": code}
        return render(request, "people/mine_record.html", context)
    return render(request, "people/mine.html", {"form": form})


@public
@never_cache
@require_POST
def mine_download(request: HttpRequest) -> HttpResponse:
    """The same as a file to take along."""
    form = CodeForm(request.POST)
    try:
        found = services.open_return_code(form.cleaned_data["code"] if form.is_valid() else "", at=clock.now())
    except services.CodeError:
        return HttpResponseRedirect("../")
    body = json.dumps(queries.everything_about(found), ensure_ascii=False, indent=2)
    response = HttpResponse(body, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


def _rows(record: queries.PersonRecord) -> list[dict[str, object]]:
    """Each merged row with the merge that brought it here; nothing where the record is of one row."""
    if not record.merged:
        return []
    merges = {one.loser_id: one for one in queries.merges_of(record.merged)}
    return [
        {"row": row, "merge": merges.get(row.id), "why": ", ".join(queries.evidence_words(merges[row.id].evidence))}
        if row.id in merges
        else {"row": row}
        for row in queries.rows_of(record)
    ]


def _registered(found: services.Match) -> str:
    if found.band == "new":
        return _("Registered.")
    if found.band == "asked":
        return _("Registered. Somebody like this is known already: it is to be asked whether they are one person.")
    if found.is_by_evidence:
        return _("Somebody of whom all this is true was registered before; this is the record.")
    return _("Somebody with this number was registered before; this is the record.")


def _initial(request: HttpRequest, person: UUID) -> dict[str, object]:
    record = queries.record_of(person, by=request.user, at=clock.now(), why="correction", whole=False)
    if record is None or record.erased:
        raise Http404
    return {
        "given_name": record.name.given,
        "family_name": record.name.family,
        "birth": record.birth_text if record.birth[0] else "",
        "sex": record.sex,
        "phones": "\n".join(record.phones),
        "emails": "\n".join(record.emails),
        "address": record.address,
        "neighbourhood": record.neighbourhood.id if record.neighbourhood else None,
        "language": record.language,
    }


def _history(person: UUID) -> list[dict[str, object]]:
    return [
        entry | {"fields": ", ".join(_words(FIELDS, name) for name in entry["fields"])} for entry in queries.history_of(person)
    ]


def _words(texts: dict[str, str], key: object) -> str:
    return _(texts[str(key)]) if str(key) in texts else str(key)


def _found(thing):
    if thing is None:
        raise Http404
    return thing
