"""Tables in and out over pages: checked first, imported by a task, erased afterwards; taken out with a trace."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from epipolis.core import clock, modules, uploads, work
from epipolis.core.access import SECOND_FACTOR
from epipolis.core.exports import Exporter
from epipolis.core.imports import Importer, ImportReport, read_rows
from epipolis.core.models import AuditEntry, TaskRun
from epipolis.core.modules import Module
from epipolis.core.views import tables
from epipolis.core.views import work as work_pages

NOW = datetime(2026, 10, 1, 4, 0, tzinfo=UTC)
TABLE = b"number,onset,=extra\n1,2026-10-01,x\n2,soon,=1+1\n3,never,y\n"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(uploads, "folder", lambda: tmp_path / "uploads")


@pytest.fixture
def taken():
    """What the importer below was given, and what it stored."""
    return {"options": [], "stored": []}


@pytest.fixture(autouse=True)
def _declared(monkeypatch, taken):
    def run(path, options):
        taken["options"].append(options)
        report = ImportReport(dry_run=options.dry_run, mapping={"number": "number", "onset": "onset"})
        for row, cells in read_rows(path):
            if cells["onset"][:1].isdigit():
                report.accepted, report.created = report.accepted + 1, report.created + 1
                if not options.dry_run:
                    taken["stored"].append(cells["number"])
            else:
                report.reject(row, "onset", "is no day that exists", cells["onset"])
        return report

    importer = Importer("sightings", "Line list", run, "cases.import", fields={"number": "number of the case", "onset": "day"})
    exporter = Exporter(
        "sightings", "Line list", ("number", "note"), lambda at: [{"number": 1, "note": "=1+1"}], "cases.export", "Only this."
    )
    found = {"cases": Module(title="Cases", importers=(importer,), exporters=(exporter,))}
    for place in (uploads, tables, work_pages, modules, work):
        monkeypatch.setattr(place, "modules", lambda: found)


@pytest.fixture
def sign_in(client):
    def enter(user):
        session = SessionStore()
        session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY], session[SECOND_FACTOR] = user.get_session_auth_hash(), True
        session.save()
        client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
        return user

    return enter


def send(client, name="list of June.csv", content=TABLE, **more):
    return client.post("/import/sightings/", {"file": SimpleUploadedFile(name, content), **more})


def test_a_table_is_checked_then_imported_and_erased(client, sign_in, staff, deliver_events, taken):
    user = sign_in(staff("registrar"))

    checked = send(client)
    deliver_events()

    run = TaskRun.objects.get()
    assert (checked.status_code, checked["Location"]) == (302, f"/work/{run.id}/")
    assert (run.asked_by, run.state, run.result["accepted"], run.result["rejected"]) == (user, "done", 1, 2)
    assert taken["stored"] == []
    options = taken["options"][0]
    assert (options.by, options.dry_run, options.source, options.simulated) == (user, True, "list of June", False)
    assert uploads.upload(run.arguments["file"]).read_bytes() == TABLE
    assert "Import now" in client.get(checked["Location"]).content.decode()

    client.post(f"/work/{run.id}/import/", {"import": "1"})
    deliver_events()

    assert taken["stored"] == ["1"]
    assert not taken["options"][1].dry_run
    assert list(uploads.folder().iterdir()) == []


def test_a_run_that_was_killed_after_its_work_stores_nothing_twice(client, sign_in, staff, deliver_events, taken):
    sign_in(staff("registrar"))
    send(client)
    deliver_events()
    client.post(f"/work/{TaskRun.objects.get().id}/import/", {"import": "1"})

    deliver_events(twice=True)

    assert taken["stored"] == ["1"]


def test_columns_may_be_understood_otherwise_and_are_checked_again(client, sign_in, staff, deliver_events, taken):
    sign_in(staff("registrar"))
    send(client)
    deliver_events()
    run = TaskRun.objects.get()
    assert tables.columns_for(run) == [("number", "number"), ("onset", "onset"), ("=extra", "")]

    client.post(
        f"/work/{run.id}/import/", {"check": "1", "column:number": "onset", "column:onset": "number", "column:=extra": ""}
    )
    deliver_events()

    assert taken["options"][1].mapping == {"number": "onset", "onset": "number"}
    assert taken["options"][1].dry_run
    assert taken["stored"] == []


def test_refused_rows_are_filtered_and_taken_as_a_safe_file(client, sign_in, staff, deliver_events):
    sign_in(staff("registrar"))
    send(client, content=TABLE + b"4,=cmd(),z\n")
    deliver_events()
    run = TaskRun.objects.get()

    page = client.get(f"/work/{run.id}/?q=never").content.decode()
    assert ("never" in page, "<code>soon</code>" in page) == (True, False)
    everything = b"".join(client.get(f"/work/{run.id}/problems.csv"))
    assert everything.decode().splitlines() == [
        "row,field,rule,value",
        "3,onset,is no day that exists,soon",
        "4,onset,is no day that exists,never",
        "5,onset,is no day that exists,'=cmd()",
    ]
    assert b"".join(client.get(f"/work/{run.id}/problems.csv?q=soon")).count(b"\n") == 2
    assert client.get(f"/work/{run.id}/problems.exe").status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("list.exe", b"MZ", "This is no table that can be read"), ("list.csv", b"", "empty"), ("list", b"a,b", "no table")],
)
def test_what_is_no_table_is_refused_before_anything_is_kept(client, sign_in, staff, name, content, said):
    sign_in(staff("registrar"))

    page = send(client, name, content)

    assert page.status_code == 200
    assert said in page.content.decode()
    assert not uploads.folder().exists()
    assert not TaskRun.objects.exists()


def test_a_table_that_turns_out_unreadable_fails_with_its_reason(client, sign_in, staff, deliver_events):
    sign_in(staff("registrar"))

    send(client, "list.xlsx", b"not a workbook")
    deliver_events()

    run = TaskRun.objects.get()
    assert run.state == "failed"
    assert run.result["error"] == "not a readable workbook"  # without the name under which it is kept
    assert "not a readable workbook" in client.get(f"/work/{run.id}/").content.decode()


def test_no_file_fits_on_a_full_disk(client, sign_in, staff, monkeypatch):
    sign_in(staff("registrar"))
    monkeypatch.setattr(uploads, "free_space", lambda: 10)

    assert "no room" in send(client).content.decode()
    assert not TaskRun.objects.exists()


def test_only_those_who_may_import_or_export_can(client, sign_in, staff):
    sign_in(staff("commander"))

    assert [client.get(path).status_code for path in ("/import/sightings/", "/export/sightings/", "/export/sightings.csv")] == [
        403
    ] * 3
    assert send(client).status_code == 403
    assert client.get("/import/nothing/").status_code == client.get("/export/nothing.csv").status_code == 404
    assert "sightings" not in client.get("/work/").content.decode()


def test_nobody_sees_or_continues_the_work_of_another(client, sign_in, staff, deliver_events, taken):
    sign_in(staff("registrar"))
    send(client)
    deliver_events()
    run = TaskRun.objects.get()
    sign_in(staff("registrar", name="somebody-else"))

    pages = (f"/work/{run.id}/", f"/work/{run.id}/progress/", f"/work/{run.id}/problems.csv", f"/work/{uuid4()}/")
    assert [client.get(page).status_code for page in pages] == [404] * 4
    assert client.post(f"/work/{run.id}/import/", {"import": "1"}).status_code == 404
    assert len(taken["options"]) == 1


def test_a_task_that_is_no_import_cannot_be_imported_again(client, sign_in, staff):
    user = sign_in(staff("registrar"))
    run = TaskRun.objects.create(task="other", title="Other", asked_by=user, asked=NOW, state="done", result={"items": 3})

    assert client.post(f"/work/{run.id}/import/", {"import": "1"}).status_code == 404
    assert "<dt>items</dt><dd>3</dd>" in client.get(f"/work/{run.id}/").content.decode()


def test_uploads_that_nobody_imports_are_erased_by_the_platforms_clock(tmp_path):
    with clock.fixed(NOW):
        name = uploads.keep_upload(SimpleUploadedFile("a.csv", TABLE), at=NOW)

    assert uploads.forget_old_uploads(at=NOW + timedelta(days=1)) == 0
    assert uploads.forget_old_uploads(at=NOW + timedelta(days=3)) == 1
    with pytest.raises(ValueError, match="no longer kept"):
        uploads.upload(name)
    assert uploads.forget_old_uploads(at=NOW + timedelta(days=3)) == 0


@pytest.mark.parametrize("name", ["../keys/people.key", "/etc/passwd", "a" * 32 + ".key", "", "\0.csv"])
def test_an_upload_is_only_ever_found_in_its_folder(name):
    with pytest.raises(ValueError, match="no longer kept"):
        uploads.upload(name)


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_a_download_says_what_it_is_for_and_leaves_a_trace(client, sign_in, staff, kind):
    sign_in(staff("epidemiologist", name="ina"))

    assert "Only this." in client.get("/export/sightings/").content.decode()
    answer = client.get(f"/export/sightings.{kind}")

    assert f"sightings-{clock.today()}.{kind}" in answer["Content-Disposition"]
    assert len(b"".join(answer)) > 10
    entry = AuditEntry.objects.get(action="core.export")
    assert (entry.actor, entry.subject, entry.detail) == ("ina", "sightings", {"kind": kind})


def test_a_running_task_shows_how_far_it_is_and_reloads_the_page_at_the_end(client, sign_in, staff):
    user = sign_in(staff("registrar"))
    run = TaskRun.objects.create(task="other", title="Other", asked_by=user, asked=NOW, state="running", done=30, total=120)

    running = client.get(f"/work/{run.id}/progress/")
    TaskRun.objects.update(state="done")
    ended = client.get(f"/work/{run.id}/progress/")

    assert 'aria-valuenow="25"' in running.content.decode()
    assert ("HX-Refresh" in running, ended["HX-Refresh"]) == (False, "true")
    assert "hx-get" not in ended.content.decode()


def test_the_list_of_work_asks_as_often_for_one_row_as_for_many(client, sign_in, staff):
    user = sign_in(staff("registrar"))
    client.get("/work/")  # what is looked up once a minute
    counts = []
    for more in (1, 4):
        for _ in range(more):
            TaskRun.objects.create(task="other", title="Other", asked_by=user, asked=NOW)
        with CaptureQueriesContext(connection) as asked:
            client.get("/work/")
        counts.append(len(asked))

    assert counts[0] == counts[1]
