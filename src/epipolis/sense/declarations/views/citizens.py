"""For everybody: two minutes, no account, no script needed. The code never stands in an address."""

import json
from typing import Any
from uuid import UUID, uuid4

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from epipolis.core import audit, clock
from epipolis.core.access import public
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import State
from epipolis.sense.city import queries as city
from epipolis.sense.declarations import queries, services
from epipolis.sense.declarations.forms import AboutForm, AnswersForm, CodeForm, MemberForm, WishesForm, uuid_or_none
from epipolis.sense.declarations.models import Channel, Declaration, Need, Purpose
from epipolis.sense.declarations.settings import settings as own
from epipolis.sense.people.services import PersonError, PersonRow

_BY = "citizen"


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def declare(request: HttpRequest) -> HttpResponse:
    """The first declaration of a household: answers, advice, and a code for the next time."""
    return first_declaration(request, channel=str(Channel.WEB), by=_BY)


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    """My household, by its code."""
    if request.method != "POST":
        return render(request, "declarations/code.html", {"form": CodeForm()})
    household, refused = _opened(request)
    return refused or _household(request, household)


@public
@never_cache
@require_POST
def declare_again(request: HttpRequest) -> HttpResponse:
    """Declare for one member; without answers the questions are shown."""
    household, refused = _opened(request)
    if refused:
        return refused
    at = clock.now()
    member = _member(household, request.POST.get("member", ""))
    if member is None:
        return _household(request, household, error=_("Choose one of your household."))
    is_asking = request.POST.get("step") != "answers"
    form = AnswersForm(None if is_asking else request.POST, day=clock.local_day(at))
    if not is_asking and form.is_valid():
        try:
            made = services.declare(
                member.id, form.answers(), channel=Channel.WEB, by=_BY, at=at, client_id=form.cleaned_data["client_id"]
            )
        except services.DeclarationError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            return _show_result(request, made, request.POST["code"], is_new=False)
    context = {"form": form, "member": member, "code": request.POST["code"], "states": State.choices}
    context["client_id"] = request.POST.get("client_id") or uuid4()
    return render(request, "declarations/again.html", context, status=200 if is_asking else 422)


@public
@never_cache
@require_POST
def add_member(request: HttpRequest) -> HttpResponse:
    """Somebody more of the household."""
    household, refused = _opened(request)
    if refused:
        return refused
    form = MemberForm(request.POST)
    if not form.is_valid():
        return _household(request, household, error=_("Say who it is; a name may have at most 60 characters."))
    try:
        services.add_member(household, form.cleaned_data["relation"], label=form.cleaned_data["label"], by=_BY, at=clock.now())
    except services.HouseholdError as error:
        return _household(request, household, error=str(error))
    return _household(request, household, done=_("Added."))


@public
@never_cache
@require_POST
def change_wishes(request: HttpRequest) -> HttpResponse:
    """Allow or withdraw purposes; say what is needed."""
    household, refused = _opened(request)
    if refused:
        return refused
    form, at = WishesForm(request.POST), clock.now()
    if not form.is_valid():
        return _household(request, household, error=_("One of these choices is not known."))
    for purpose in Purpose.values:
        services.allow(household, purpose, purpose in form.cleaned_data["purposes"], by=_BY, at=at)
    services.set_needs(household, form.cleaned_data["needs"], by=_BY, at=at)
    return _household(request, household, done=_("Saved."))


@public
@never_cache
@require_POST
def download(request: HttpRequest) -> HttpResponse:
    """Everything that is held about a household, to take along."""
    household, refused = _opened(request)
    if refused:
        return refused
    body = json.dumps(queries.whole_household(household), ensure_ascii=False, indent=2)
    response = HttpResponse(body, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="my-declarations.json"'
    return response


@public
@never_cache
@require_POST
def erase(request: HttpRequest) -> HttpResponse:
    """Erase everything, after asking once more."""
    household, refused = _opened(request)
    if refused:
        return refused
    if request.POST.get("sure") != "yes":
        return render(request, "declarations/erase.html", {"code": request.POST["code"]})
    services.forget_household(household, by=_BY, at=clock.now())
    return render(request, "declarations/erased.html")


def first_declaration(request: HttpRequest, *, channel: str, by: audit.Actor) -> HttpResponse:
    """The questions, and what came of the answers; whoever comes over the web may not come too often."""
    at = clock.now()
    answers = AnswersForm(request.POST or None, day=clock.local_day(at))
    about = AboutForm(request.POST or None)
    if request.method == "POST" and answers.is_valid() and about.is_valid():
        if channel == Channel.WEB and services.is_too_often(request.META.get("REMOTE_ADDR", "")):
            about.add_error(None, _("Too many declarations for now. Wait a little and try again."))
            return _show_form(request, answers, about, status=429)
        try:
            made, code = _start_and_declare(about.cleaned_data, answers, channel=channel, by=by, at=at)
        except services.DeclarationError as error:
            answers.add_error(error.field if error.field in answers.fields else None, str(error))
        except PersonError as error:
            about.add_error(error.field if error.field in about.fields else None, _(error.rule))
        else:
            return _show_result(request, made, code)
    return _show_form(request, answers, about, status=422 if request.method == "POST" else 200)


def _start_and_declare(
    told: dict[str, Any], answers: AnswersForm, *, channel: str, by: Any, at: Any
) -> tuple[Declaration, str]:
    """A household with its first declaration, whole or not at all."""
    return services.start_and_declare(
        answers.answers(),
        relation=told["relation"] or "self",
        purposes=told["purposes"],
        needs=told["needs"],
        district=next((one for one in city.districts() if one.id == told["district"]), None),
        row=PersonRow(
            given_name=told["given_name"], family_name=told["family_name"], phones=[told["phone"]] if told["phone"] else []
        ),
        language=translation.get_language() or "",
        channel=channel,
        client_id=answers.cleaned_data["client_id"],
        by=by,
        at=at,
    )


def _show_form(request: HttpRequest, answers: AnswersForm, about: AboutForm, *, status: int) -> HttpResponse:
    context = {
        "answers": answers,
        "about": about,
        "states": State.choices,
        "client_id": request.POST.get("client_id") or uuid4(),
        "purposes": Purpose.choices,
        "needs": Need.choices,
        "keep_days": own.keep_days,
    }
    return render(request, "declarations/declare.html", context, status=status)


def _show_result(request: HttpRequest, made: Declaration, code: str, *, is_new: bool = True) -> HttpResponse:
    picture = segno.make(f"{settings.EPIPOLIS_ADDRESS}/declarations/mine/#{code}", error="m").svg_inline(scale=4, border=2)
    context = {
        "made": made,
        "reasons": cases.explained(made.decision),
        "code": code,
        "is_new": is_new,
        "picture": mark_safe(picture),  # noqa: S308 -- drawn here from letters and digits
        "days": own.code_days,
    }
    return render(request, "declarations/result.html", context)


def _opened(request: HttpRequest) -> tuple[UUID, HttpResponse | None]:
    form = CodeForm(request.POST)
    if form.is_valid():
        try:
            return services.open_household(form.cleaned_data["code"], at=clock.now()), None
        except services.CodeError as error:
            form.add_error("code", _(str(error)))
            status = 429 if error.locked else 403
            return uuid4(), render(request, "declarations/code.html", {"form": form}, status=status)
    return uuid4(), render(request, "declarations/code.html", {"form": form}, status=422)


def _household(request: HttpRequest, household: UUID, *, done: str = "", error: str = "") -> HttpResponse:
    today = clock.today()
    members = queries.members_of(household)
    context = {
        "household": queries.household(household),
        "members": [(one, one.declared_on(today)) for one in members],
        "consents": queries.consents_of(household),
        "history": list(queries.history_of(household)[:30]),
        "purposes": Purpose.choices,
        "needs": Need.choices,
        "form": MemberForm(),
        "code": request.POST["code"],
        "done": done,
        "error": error,
        "keep_days": own.keep_days,
    }
    return render(request, "declarations/household.html", context, status=422 if error else 200)


def _member(household: UUID, text: str) -> queries.MemberRow | None:
    wanted = uuid_or_none(text)
    return next((one for one in queries.members_of(household) if one.id == wanted), None)
