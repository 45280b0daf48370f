"""Pages that ask whether two records are one person, side by side; merging by hand, and taking apart again."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.sense.people import queries, services
from epipolis.sense.people.forms import Reason, Search


@needs("people.merge")
@needs("people.view_names")
@never_cache
@require_safe
def questions(request: HttpRequest) -> HttpResponse:
    """The first question that waits, or that none does."""
    first = queries.open_questions().first()
    if first:
        return redirect("people:question", first.id)
    return render(request, "people/no_question.html", {"uncompared": queries.count_uncompared()})


@needs("people.merge")
@require_POST
def look_for_doubles(request: HttpRequest) -> HttpResponse:
    """Queue the search for doubles; whoever started it sees it move."""
    run = services.start_looking(by=request.user, at=clock.now())
    if run.asked_by_id == request.user.pk:
        return redirect("run", run=run.id)
    messages.info(request, _("Everybody is being compared already."))
    return redirect("people:questions")


@needs("people.merge")
@needs("people.view_names")
@never_cache
@require_safe
def question(request: HttpRequest, question: int) -> HttpResponse:
    """Two records side by side; each look at them is written down."""
    asked = queries.question(question)
    if asked is None:
        raise Http404
    at = clock.now()
    sides = queries.side_by_side(asked.candidate_id, asked.person_id, by=request.user, at=at)
    if sides is None:
        raise Http404
    percent = min(99, max(1, round(sides.probability * 100)))  # nothing is certain here
    context = {"question": asked, "sides": sides, "waiting": queries.count_open_questions(at), "percent": percent}
    context["uncompared"] = queries.count_uncompared()
    return render(request, "people/question.html", context)


@needs("people.merge")
@needs("people.view_names")
@never_cache
@require_POST
def answer(request: HttpRequest, question: int) -> HttpResponse:
    """The same person, or two; the next question follows."""
    if request.POST.get("answer") not in ("same", "different"):
        raise Http404
    same = request.POST["answer"] == "same"
    try:
        services.answer_question(question, same, by=request.user, at=clock.now())
    except LookupError as error:
        raise Http404 from error
    except services.PersonError as error:
        messages.error(request, _("This was answered otherwise meanwhile: %(rule)s.") % {"rule": error.rule})
        return redirect("people:questions")
    text = _("Merged into one person.") if same else _("Remembered as two people; nobody asks again.")
    messages.success(request, text)
    return redirect("people:questions")


@needs("people.merge")
@needs("people.view_names")
@never_cache
@require_POST
def put_off(request: HttpRequest, question: int) -> HttpResponse:
    """Ask this one after all others."""
    try:
        services.put_off_question(question, by=request.user, at=clock.now())
    except LookupError as error:
        raise Http404 from error
    return redirect("people:questions")


@needs("people.merge")
@needs("people.view_names")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def merge(request: HttpRequest, person: UUID) -> HttpResponse:
    """Look for the other record of a person. By POST, for a name in an address would stay in logs."""
    own = queries.same_person(person)
    row = queries.person(own[0])
    if row is None or row.erased:
        raise Http404
    form, found, at = Search(request.POST or None), None, clock.now()
    if request.method == "POST" and form.is_valid():
        people = queries.search(form.cleaned_data["text"], by=request.user, at=at)
        others = [one for one in people if one.id not in own and not one.erased]
        names = queries.named([one.id for one in others], by=request.user, at=at, why="search")
        found = [(one, names.get(one.id)) for one in others]
    return render(request, "people/merge.html", {"form": form, "found": found, "person": row})


@needs("people.merge")
@needs("people.view_names")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def merge_with(request: HttpRequest, person: UUID, other: UUID) -> HttpResponse:
    """Both records side by side, and why they are one; the first holds."""
    form, at = Reason(request.POST or None), clock.now()
    if request.method == "POST" and form.is_valid():
        try:
            services.merge_people(other, person, reason=form.cleaned_data["reason"], by=request.user, at=at)
        except LookupError as error:
            raise Http404 from error
        except services.PersonError as error:
            form.add_error(None, error.rule)
        else:
            messages.success(request, _("Merged into one person. It can be undone on this page."))
            return redirect("people:person", queries.same_person(person)[0])
    holders = queries.holding([person, other])
    if holders[person] == holders[other]:
        return redirect("people:person", holders[person])
    sides = queries.side_by_side(person, other, by=request.user, at=at)
    if sides is None:
        raise Http404
    return render(request, "people/merge_with.html", {"form": form, "sides": sides})


@needs("people.merge")
@needs("people.view_names")
@never_cache
@require_POST
def unmerge(request: HttpRequest, merge: int) -> HttpResponse:
    """Take two records apart again; that they are two people is remembered."""
    found, form = queries.merge_by_id(merge), Reason(request.POST)
    if found is None:
        raise Http404
    if not form.is_valid():
        messages.error(request, _("Say why the merge is undone."))
        return redirect("people:person", queries.same_person(found.winner_id)[0])
    try:
        services.unmerge_people(merge, reason=form.cleaned_data["reason"], by=request.user, at=clock.now())
    except services.PersonError as error:
        messages.error(request, error.rule)
    else:
        messages.success(request, _("Taken apart. Both records are as they were, with all that came in under each."))
    return redirect("people:person", found.loser_id)
