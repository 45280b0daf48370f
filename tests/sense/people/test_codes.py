from datetime import timedelta
from uuid import UUID

import pytest

from epipolis.core import retention
from epipolis.core.models import AuditEntry, DeletionReceipt
from epipolis.sense.people import services
from epipolis.sense.people.models import ReturnCode
from epipolis.sense.people.settings import settings

from .factories import AT, NOBODY, ana, person

pytestmark = pytest.mark.django_db


def issue(someone, at=AT):
    return services.issue_return_code(someone.id, by="registrar", at=at)


def test_a_code_opens_the_record_of_its_person_however_it_is_typed():
    made = ana()
    code = issue(made)

    typed = [
        code,
        code.lower(),
        code.replace("-", ""),
        code.replace("-", " "),
        code.replace("0", "o").replace("1", "l"),
        f" {code}\n",
    ]

    assert {services.open_return_code(text, at=AT) for text in typed} == {made.id}


def test_a_code_is_made_of_letters_that_nobody_misreads():
    codes = {issue(ana()) for _ in range(50)}

    assert len(codes) == 50
    assert {(len(code), code.count("-")) for code in codes} == {(19, 3)}
    assert not set("".join(codes)) & set("ILOU")


def test_the_code_itself_is_stored_nowhere():
    code = issue(ana())

    row = ReturnCode.objects.get()
    assert code.replace("-", "") not in f"{row.number_hash}{row.secret_hash}{AuditEntry.objects.all().values()}"


def test_wrong_tries_lock_a_code_and_a_new_one_opens_again():
    made = ana()
    code = issue(made)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "2")

    for _ in range(settings.code_failures):
        with pytest.raises(services.CodeError) as caught:
            services.open_return_code(wrong, at=AT)
        assert caught.value.locked is False
    with pytest.raises(services.CodeError) as caught:
        services.open_return_code(code, at=AT)

    assert caught.value.locked is True
    assert AuditEntry.objects.filter(action="people.wrong_code", person=made.id).count() == settings.code_failures
    assert services.open_return_code(issue(made), at=AT) == made.id


def test_a_code_ends_with_its_day_and_with_the_next_code():
    made = ana()
    first = issue(made)
    late = AT + timedelta(days=settings.code_days)

    assert services.open_return_code(first, at=late - timedelta(seconds=1)) == made.id
    with pytest.raises(services.CodeError):
        services.open_return_code(first, at=late)
    issue(made)
    with pytest.raises(services.CodeError):
        services.open_return_code(first, at=AT)


@pytest.mark.parametrize(
    "text", ["", "x", "\0" * 16, "0000-0000-0000-0000", "٠" * 16, "é" * 16, "A" * 10_000_000, "'; --", "ſ" * 16]
)
def test_what_is_no_code_opens_nothing(text):
    ana()

    with pytest.raises(services.CodeError):
        services.open_return_code(text, at=AT)


def test_a_visit_by_code_is_written_down():
    made = ana()

    services.open_return_code(issue(made), at=AT)

    entry = AuditEntry.objects.get(action="people.mine")
    assert (entry.actor, entry.person) == ("return code", made.id)


def test_expired_codes_are_erased_with_a_receipt():
    issue(ana())
    issue(person(), at=AT + timedelta(days=40))
    keep = retention.keeps()["people.return_codes"]
    end = AT + timedelta(days=settings.code_days + settings.code_kept_days)

    gone = [retention.forget(keep, at=at) for at in (end, end + timedelta(seconds=1), end + timedelta(days=1))]

    assert gone == [0, 1, 0]
    assert (ReturnCode.objects.count(), DeletionReceipt.objects.get().rows) == (1, 1)


def test_nobody_gets_no_code():
    with pytest.raises(LookupError):
        services.issue_return_code(UUID(NOBODY), by="registrar", at=AT)
