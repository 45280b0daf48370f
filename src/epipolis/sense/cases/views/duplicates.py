"""Pages about two cases that may be one illness."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.models import Case, DuplicateQuestion


@needs("cases.revise")
@require_safe
def duplicates(request: HttpRequest) -> HttpResponse:
    """Open questions, each with the two cases side by side."""
    page = Paginator(queries.duplicate_questions(), 25).get_page(request.GET.get("page"))
    rows = [(question, queries.compared(question.case, question.candidate)) for question in page]
    return render(request, "cases/duplicates.html", {"page": page, "rows": rows})


@needs("cases.revise")
@require_POST
def answer(request: HttpRequest, question_id: int) -> HttpResponse:
    """Say that two cases are one illness, or two."""
    same = request.POST.get("answer") == "same"
    if not same and request.POST.get("answer") != "different":
        raise Http404
    try:
        services.answer_duplicate(question_id, same, by=request.user, at=clock.now())
        done = _("They are one illness now, counted once. Undo it on the page of the case.")
        messages.success(request, done if same else _("They stay two illnesses, and nobody is asked again."))
    except DuplicateQuestion.DoesNotExist as error:
        raise Http404 from error
    except services.NotOnePersonError as error:
        messages.error(request, str(error))
    return redirect("cases:duplicates")


@needs("cases.revise")
@require_POST
def mark(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Say that this case is the same illness as another case of the person."""
    try:
        main = UUID(request.POST.get("main", ""))
        services.mark_duplicate(case_id, main, by=request.user, at=clock.now())
        messages.success(request, _("This case now counts as the same illness as the other."))
    except Case.DoesNotExist as error:
        raise Http404 from error
    except ValueError as error:
        messages.error(request, str(error))
    return redirect("cases:case", case_id=case_id)


@needs("cases.revise")
@require_POST
def undo_duplicate(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Say that this case is an illness of its own after all."""
    try:
        services.undo_duplicate(case_id, by=request.user, at=clock.now())
        messages.success(request, _("This case is an illness of its own again."))
    except Case.DoesNotExist as error:
        raise Http404 from error
    return redirect("cases:case", case_id=case_id)
