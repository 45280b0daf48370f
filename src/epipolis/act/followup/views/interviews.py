"""The talk with a case, led step by step: greeting, illness, each day, household, contacts, places, needs."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from epipolis.act.followup import queries, services
from epipolis.act.followup.forms import BeenFormSet, InterviewForm, NamedFormSet
from epipolis.act.followup.models import Interview
from epipolis.act.followup.services import Been, InterviewError, Named, StaleAnswersError, Told
from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.sense.cases.models import Case
from epipolis.sense.city import queries as city
from epipolis.sense.people import queries as people

_PAGE = 25
_SUGGESTED = 8
_LANGUAGES = {"en": "English", "zh-hant": "繁體中文", "es": "Español"}


@needs("followup.work")
@require_GET
def interviews(request: HttpRequest) -> HttpResponse:
    """Confirmed cases that wait for an interview, the oldest first."""
    at = clock.now()
    page = Paginator(queries.to_interview(at), _PAGE).get_page(request.GET.get("page"))
    held = queries.interviews_of([one.id for one in page])
    named = people.named_in_list([one.person_id for one in page], by=request.user, at=at, why="cases")
    rows = [{"case": one, "name": named.get(one.person_id), "interview": held.get(one.id)} for one in page]
    return render(request, "followup/interviews.html", {"page": page, "rows": rows})


@needs("followup.work")
@require_POST
def start_interview(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Take a case's interview."""
    try:
        row = services.start_interview(case_id, by=request.user, at=clock.now())  # type: ignore[arg-type]  # -- signed in
    except Case.DoesNotExist as error:
        raise Http404 from error
    return redirect("followup:interview", row.client_id)


@needs("followup.work")
@require_http_methods(["GET", "HEAD", "POST"])
def interview(request: HttpRequest, client_id: UUID) -> HttpResponse:
    """The guide while the talk goes on; afterwards what came of it."""
    row = _found(client_id)
    if row.finished:
        return _result(request, row)
    guide = Guide(row, request.POST if request.method == "POST" else None)
    if request.method == "POST" and guide.is_valid():
        try:
            services.finish_interview(client_id, guide.told(), by=request.user, at=clock.now())
        except StaleAnswersError as stale:
            return _page(request, Guide(row, reread(request, stale.case)), 409, theirs=named_answers(stale))
        except InterviewError as error:
            guide.refuse(error)
        else:
            messages.success(request, _("The interview is written down. Everybody who was named is followed from now on."))
            return redirect("followup:interview", client_id)
    return _page(request, guide, 422 if request.method == "POST" else 200)


@needs("followup.work")
@require_POST
def name_contact(request: HttpRequest, client_id: UUID, key: str) -> HttpResponse:
    """Take back one contact of an interview, or name them after all."""
    row = _found(client_id)
    services.set_named(row.client_id, key, is_contact="again" in request.POST, by=request.user, at=clock.now())
    return redirect("followup:interview", client_id)


@needs("followup.work")
@require_GET
def suggest_places(request: HttpRequest) -> JsonResponse:
    """Places of the city that fit some letters, as they are written into the route."""
    text = request.GET.get("q", "").strip()[:100]
    found = city.matching_places(text)[:_SUGGESTED] if len(text) > 1 else ()
    return JsonResponse({"places": [{"text": f"{one.name} [{one.code}]", "address": one.address} for one in found]})


@dataclass
class Guide:
    """The forms of one guide together."""

    row: Interview
    data: Any = None

    def __post_init__(self) -> None:
        at = clock.now()
        found = queries.case_to_interview(self.row.case_id)
        if found is None:
            raise Http404
        self.case = found
        self.days = queries.days_to_remember(self.case, at)
        self.form = InterviewForm(self.data, case=self.case, days=self.days)
        self.contacts = NamedFormSet(self.data, prefix="contacts")
        self.route = BeenFormSet(self.data, prefix="route")

    def is_valid(self) -> bool:
        return all([self.form.is_valid(), self.contacts.is_valid(), self.route.is_valid()])

    def told(self) -> Told:
        """What was told; only after `is_valid`."""
        data = self.form.cleaned_data
        self._contacts = [number for number, one in enumerate(self.contacts.cleaned_data) if _is_told(one)]
        self._route = [number for number, one in enumerate(self.route.cleaned_data) if one.get("place")]
        return Told(
            revision=data["revision"],
            language=data["language"],
            symptoms=self.form.told("symptoms-"),
            circumstances=self.form.told("circumstances-"),
            contacts=[_named(number, self.contacts.cleaned_data[number]) for number in self._contacts],
            route=[_been(self.route.cleaned_data[number]) for number in self._route],
            needs=data["needs"],
            days={date.fromisoformat(day): text for day, text in self.form.told("day-").items()},
            note=data["note"],
        )

    def refuse(self, error: InterviewError) -> None:
        """Show where something told breaks a rule."""
        lines: Any = {"contacts": self.contacts, "route": self.route}.get(error.part)
        if lines is None:
            self.form.add_error(None, f"{error.field}: {_(error.rule)}")
            return
        line = lines.forms[(self._contacts if error.part == "contacts" else self._route)[error.number]]
        line.add_error(error.field if error.field in line.fields else None, _(error.rule))

    def errors(self) -> dict[str, Any]:
        """Every complaint, by what it is about."""
        found: dict[str, Any] = dict(self.form.errors)
        for name, lines in (("contacts", self.contacts), ("route", self.route)):
            for number, errors in enumerate(lines.errors):
                if errors:
                    found[f"{name} {number + 1}"] = [text for texts in errors.values() for text in texts]
        return found

    def answers(self) -> dict[str, str]:
        """Question and answer in words."""
        words: Any = dict(self.form.fields["symptoms-fever"].choices)  # type: ignore[attr-defined]  # -- a field of choices has them
        told = {
            name: value for name, value in self.form.cleaned_data.items() if name.startswith(("symptoms-", "circumstances-"))
        }
        return {str(self.form.fields[name].label): str(words.get(value, value)) for name, value in told.items()}

    def memory(self) -> list[dict[str, Any]]:
        return [{"day": one, "field": self.form[f"day-{one.day}"]} for one in self.days]


def _is_told(one: dict[str, Any]) -> bool:
    return any(one.get(name) for name in ("given_name", "family_name", "phone"))


def _named(number: int, one: dict[str, Any]) -> Named:
    risk = one.get("risk") or ("high" if one.get("household") else "medium")
    told = {name: one.get(name) or "" for name in ("given_name", "family_name", "phone", "relation", "place")}
    return Named(
        key=one.get("key") or str(number),
        household=bool(one.get("household")),
        risk=risk,
        last_contact=one.get("last_contact"),
        **told,
    )


def _been(one: dict[str, Any]) -> Been:
    return Been(one["day"], one["place"], queries.place_told(one["place"]), one.get("starts"), one.get("ends"))


def _found(client_id: UUID) -> Interview:
    found = queries.interview(client_id)
    if found is None:
        raise Http404
    return found


def reread(request: HttpRequest, case: Case) -> Any:
    """What was sent, now as of the case that the page shows beside it."""
    data = request.POST.copy()
    data["revision"] = str(case.revision)
    return data


def named_answers(stale: StaleAnswersError) -> list[tuple[str, str]]:
    """The answers of somebody else: question and answer in words."""
    form = InterviewForm(case=stale.case, days=[])
    words: Any = dict(form.fields["symptoms-fever"].choices)  # type: ignore[attr-defined]  # -- a field of choices has them
    return [
        (str(form.fields[f"{kind}-{name}"].label), str(words.get(state, state)))
        for kind, told in stale.theirs.items()
        for name, state in told.items()
    ]


def _page(request: HttpRequest, guide: Guide, status: int = 200, theirs: Any = ()) -> HttpResponse:
    at = clock.now()
    record = None
    if request.user.has_perm("people.view_names"):
        record = people.record_of(guide.case.person_id, by=request.user, at=at, why="interview")
    language = record.language if record else ""
    context = {
        "row": guide.row,
        "case": guide.case,
        "guide": guide,
        "record": record,
        "greetings": _greetings(request, language),
        "theirs": theirs,
        "steps": _steps(),
        "today": clock.local_day(at),
    }
    return render(request, "followup/interview.html", context, status=status)


def _steps() -> list[tuple[str, str]]:
    return [
        ("greeting", _("Greeting")),
        ("illness", _("Symptoms")),
        ("circumstances", _("Circumstances")),
        ("memory", _("Day by day")),
        ("contacts", _("Contacts")),
        ("places-been", _("Places")),
        ("needs", _("Needs")),
    ]


def _greetings(request: HttpRequest, language: str) -> list[dict[str, Any]]:
    """What to say first, in each language of the platform; that of the person is open."""
    wanted = next((one for one in _LANGUAGES if language and one.split("-")[0] == language.lower().split("-")[0]), "en")
    found = []
    for code, name in _LANGUAGES.items():
        with translation.override(code):
            told = [
                _("Hello, my name is %(name)s. I am calling from the health office.") % {"name": request.user.get_username()},
                _("Your test was positive. How are you today? Do you need a doctor now?"),
                _("What you tell me is confidential. I will not tell anybody that you named them, nor your name to them."),
                _("I will ask about your symptoms, where you were, and whom you met. It takes about 20 minutes."),
                _("You may skip any question and stop at any time."),
            ]
        found.append({"code": code, "name": name, "told": told, "is_open": code == wanted})
    return found


def _result(request: HttpRequest, row: Interview) -> HttpResponse:
    at: datetime = clock.now()
    lines = queries.named_in(row)
    named = people.named_in_list([line["person"] for line in lines], by=request.user, at=at, why="contacts")
    words = None
    if request.user.has_perm("people.view_names"):
        people.record_of(row.case.person_id, by=request.user, at=at, why="interview")
        words = queries.words_of(row)
    context = {
        "row": row,
        "lines": [line | {"name": named.get(line["person"])} for line in lines],
        "words": words,
        "needs": [queries.NEEDS[name] for name in row.answers.get("needs", ()) if name in queries.NEEDS],
    }
    return render(request, "followup/interviewed.html", context)
