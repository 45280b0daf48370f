"""Tables in and out: the import page (check first, then import) and the downloads that modules declare."""

from pathlib import PurePath
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from epipolis.core import audit, clock, uploads, work
from epipolis.core.access import signed_in
from epipolis.core.context import is_simulated
from epipolis.core.exports import FORMATS, Exporter
from epipolis.core.exports import download as as_download
from epipolis.core.imports import Importer
from epipolis.core.models import TaskRun
from epipolis.core.modules import modules
from epipolis.core.views.work import own_run

GUESS = ""


class ImportForm(forms.Form):
    """A file, how to read it, and whose it is."""

    file = forms.FileField(label=gettext_lazy("File"))
    mapping = forms.ChoiceField(label=gettext_lazy("How columns are understood"), required=False)
    source = forms.CharField(
        label=gettext_lazy("Source"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("Who sent it. The same source and number is the same record; empty: the file’s name."),
    )
    simulated = forms.BooleanField(label=gettext_lazy("These are simulated data"), required=False)
    tell = forms.BooleanField(required=False)

    def __init__(self, importer: Importer, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        guess = [(GUESS, _("Guess from the column names"))]
        choice = self.fields["mapping"]
        assert isinstance(choice, forms.ChoiceField)  # noqa: S101 -- tells the type checker what is written above
        choice.choices = guess + [(name, name) for name in importer.mappings]
        if importer.tells:
            self.fields["tell"].label = _(importer.tells)
        else:
            del self.fields["tell"]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        kind = PurePath(file.name).suffix.lstrip(".").lower()
        if kind not in uploads.KINDS:
            kinds = ", ".join("." + name for name in uploads.KINDS)
            raise forms.ValidationError(
                _("This is no table that can be read. A table ends in one of %(kinds)s.") % {"kinds": kinds}
            )
        if file.size > uploads.free_space():
            raise forms.ValidationError(_("There is no room for a file of this size."))
        return file


@signed_in
@require_http_methods(["GET", "POST"])
def import_table(request: HttpRequest, name: str) -> HttpResponse:
    """Upload a table; it is checked without storing a row, and the report offers the import."""
    importer = _importer(request, name)
    form = ImportForm(importer, request.POST or None, request.FILES or None, initial={"simulated": is_simulated()})
    if request.method == "POST" and form.is_valid():
        file, at = form.cleaned_data["file"], clock.now()
        source = form.cleaned_data["source"] or PurePath(file.name).stem[:60]
        arguments = {
            "importer": name,
            "file": uploads.keep_upload(file, at=at),
            "source": source,
            "mapping": form.cleaned_data["mapping"] or None,
            "dry_run": True,
            "simulated": form.cleaned_data["simulated"],
            "tell": form.cleaned_data.get("tell", False),
        }
        return _start(request, importer, arguments, PurePath(file.name).name)
    return render(request, "core/import.html", {"importer": importer, "form": form, "kinds": uploads.KINDS})


@signed_in
@require_POST
def import_again(request: HttpRequest, run: Any) -> HttpResponse:
    """After a dry run: import the same file, or check it again with another understanding of its columns."""
    before = own_run(request, run)
    if before.task != uploads.IMPORT.name or not before.arguments.get("dry_run"):
        raise Http404
    importer = _importer(request, before.arguments["importer"])
    arguments = {key: value for key, value in before.arguments.items() if key != "by"}
    arguments["dry_run"] = "check" in request.POST
    chosen = {key.removeprefix("column:"): value for key, value in request.POST.items() if key.startswith("column:") and value}
    if "check" in request.POST:
        arguments["mapping"] = chosen or None
    try:
        uploads.upload(arguments["file"])
    except ValueError:
        messages.error(request, _("The file is no longer kept. Upload it again."))
        return redirect("import", name=importer.name)
    return _start(request, importer, arguments, before.title.partition(": ")[2])


@transaction.atomic
def _start(request: HttpRequest, importer: Importer, arguments: dict[str, Any], file: str) -> HttpResponseRedirect:
    user = request.user
    assert user.pk is not None  # noqa: S101 -- the pages above are for people who are signed in
    title = f"{importer.title}: {file}"[:200]
    run = work.start_task(
        uploads.IMPORT.name,
        {**arguments, "by": user.pk},
        by=user,  # type: ignore[arg-type]  # -- never anonymous here
        at=clock.now(),
        title=title,
    )
    return redirect("run", run=run.id)


def _importer(request: HttpRequest, name: str) -> Importer:
    found = uploads.importer_named(name)
    if found is None:
        raise Http404
    if not request.user.has_perm(found.needs):  # type: ignore[union-attr]  # -- never anonymous here
        raise PermissionDenied(found.needs)
    return found


def columns_for(run: TaskRun) -> list[tuple[str, str]]:
    """Each column of a dry run's file with the field as which it was understood; empty when the file is gone."""
    try:
        columns = uploads.columns_of(run.arguments.get("file", ""))
    except ValueError:
        return []
    understood = (run.result or {}).get("mapping", {})
    return [(column, understood.get(column, "")) for column in columns]


@signed_in
@require_GET
def export_page(request: HttpRequest, name: str) -> HttpResponse:
    """What a download holds and what it may be used for, before it is taken."""
    return render(request, "core/export.html", {"exporter": _exporter(request, name), "formats": list(FORMATS)})


@signed_in
@require_GET
def export(request: HttpRequest, name: str, kind: str) -> HttpResponseBase:
    """A declared table as a file; who took it and when is in the audit trail."""
    exporter, at = _exporter(request, name), clock.now()
    if kind not in FORMATS:
        raise Http404
    audit.record("core.export", by=request.user, at=at, subject=name, kind=kind)  # type: ignore[arg-type]  # -- signed in
    file = f"{name}-{clock.local_day(at).isoformat()}"
    return as_download(file, kind, exporter.columns, exporter.rows(at))


def _exporter(request: HttpRequest, name: str) -> Exporter:
    found = next((e for module in modules().values() for e in module.exporters if e.name == name), None)
    if found is None:
        raise Http404
    if not request.user.has_perm(found.needs):  # type: ignore[union-attr]  # -- never anonymous here
        raise PermissionDenied(found.needs)
    return found
