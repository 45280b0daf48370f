"""The suite's own database: what one test commits, the next does not find."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import TransactionTestCase
from procrastinate.contrib.django.models import ProcrastinateJob

from epipolis.core import audit, clock
from epipolis.core.models import AuditEntry, User
from epipolis.core.work import run_task


@pytest.mark.django_db(transaction=True)
def test_what_a_test_commits_is_gone_and_what_it_took_away_is_back():
    before = set(Group.objects.values_list("id", "name", "permissions"))
    assert before
    user = User.objects.create_user("ana", password="correct horse battery")
    audit.record("core.test", by=user, at=clock.now())
    run_task.defer(name="none", number=1)
    Group.objects.first().permissions.clear()
    Group.objects.last().delete()
    Permission.objects.first().delete()

    TransactionTestCase._fixture_teardown(None)

    assert set(Group.objects.values_list("id", "name", "permissions")) == before
    assert not User.objects.exists()
    assert not AuditEntry.objects.exists()
    assert not ProcrastinateJob.objects.exists()
