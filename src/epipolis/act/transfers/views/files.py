"""Pages of one case for other offices, and of files: what each format cannot tell, downloads, imports."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from epipolis.act.transfers import queries, services
from epipolis.act.transfers.forms import FileForm, SelectionForm, SendForm
from epipolis.act.transfers.settings import settings
from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.sense.cases import queries as case_queries
from epipolis.sense.cases.models import Case

_LOOKED_AT = 50  # cases of a selection whose losses are told before the download


@needs("transfers.view")
@require_safe
def case(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """One case: to whom it went, to whom it can go, and what each format cannot tell of it."""
    return _case_page(request, _case(case_id), SendForm())


@needs("transfers.send")
@require_POST
def draft(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Prepare the case for another office; the next page shows what would leave."""
    found, form = _case(case_id), SendForm(request.POST)
    if not form.is_valid():
        return _case_page(request, found, form, status=422)
    told = form.cleaned_data
    try:
        made = services.draft_transfer(
            case_id, told["partner"].id, told["what"], message=told["message"], by=request.user, at=clock.now()
        )
    except services.TransferError as error:
        form.add_error(None, _(error.text) % error.values)
        return _case_page(request, found, form, status=422)
    return redirect("transfers:transfer", transfer_id=made.id)


@needs("transfers.export")
@require_safe
def export_case(request: HttpRequest, case_id: UUID, kind: str) -> HttpResponse:
    """The whole case in one format."""
    found = _case(case_id)
    if kind not in services.KINDS:
        raise Http404
    return _file(request, [found], kind, f"case-{case_id}")


@needs("transfers.export")
@require_safe
def files(request: HttpRequest) -> HttpResponse:
    """Many cases as a file, with what the formats lose, and files of other offices in."""
    return render(request, "transfers/files.html", _selection(request))


@needs("transfers.export")
@require_safe
def export_selection(request: HttpRequest, kind: str) -> HttpResponse:
    """The selected cases as one file."""
    form = SelectionForm(request.GET)
    if kind not in services.KINDS or not form.is_valid():
        raise Http404
    found = queries.selected_cases(form.cleaned_data, settings.most_cases)
    return _file(request, found, kind, "cases") if found else redirect("transfers:files")


@needs("transfers.import")
@require_POST
def import_file(request: HttpRequest) -> HttpResponse:
    """File every case of a file, and say of each what became of it."""
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid() or form.cleaned_data["file"].size > 20 * settings.body_bytes:
        messages.error(request, _("Choose a file of at most %(n)d MB.") % {"n": 20 * settings.body_bytes // 2**20})
        return redirect("transfers:files")
    try:
        lines = services.import_documents(form.cleaned_data["file"].read(), by=request.user, at=clock.now())
    except services.TransferError as error:
        messages.error(request, _(error.text) % error.values)
        return redirect("transfers:files")
    rows = [
        {
            "line": one,
            "problem": _(one.problem[0]) % one.problem[1] if one.problem else "",
            "left": [_(text) % values for text, values in one.filed.left] if one.filed else [],
            "losses": [queries.label(loss.field) for loss in one.filed.losses] if one.filed else [],
        }
        for one in lines
    ]
    return render(request, "transfers/imported.html", {"rows": rows})


def _selection(request: HttpRequest) -> dict[str, Any]:
    form = SelectionForm(request.GET or None)
    wanted = form.cleaned_data if form.is_bound and form.is_valid() else {}
    found = queries.selected_cases(wanted, settings.most_cases + 1) if form.is_bound and form.is_valid() else []
    return {
        "form": form,
        "file_form": FileForm(),
        "count": len(found),
        "is_asked": form.is_bound,
        "is_too_many": len(found) > settings.most_cases,
        "most": settings.most_cases,
        "looked_at": min(len(found), _LOOKED_AT),
        "losses": queries.losses_by_format(queries.unread_document_of(one) for one in found[:_LOOKED_AT]),
    }


def _case_page(request: HttpRequest, found: Case, form: SendForm, status: int = 200) -> HttpResponse:
    rows = list(queries.transfers_of_case(found.id))
    context = {
        "case": found,
        "form": form,
        "rows": rows,
        "given": next((row for row in rows if row.gave_away and row.partner.name == found.owner), None),
        "losses": queries.losses_by_format([queries.unread_document_of(found)]),
        "has_partner": queries.open_partners().exists(),
    }
    return render(request, "transfers/case.html", context, status=status)


def _file(request: HttpRequest, found: list[Case], kind: str, name: str) -> HttpResponse:
    content_type, ending = services.KINDS[kind]
    try:
        body = services.write_cases(found, kind, by=request.user, at=clock.now())
    except services.TransferError as error:
        messages.error(request, _(error.text) % error.values)
        return redirect("transfers:files")
    response = HttpResponse(body, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return response


def _case(case_id: UUID) -> Case:
    try:
        return case_queries.case(case_id)
    except Case.DoesNotExist as error:
        raise Http404 from error
