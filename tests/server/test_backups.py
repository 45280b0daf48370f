"""Backup and restore onto an empty machine, by the commands that an operator types, in processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installations import copy_database

EPIPOLIS = Path(sys.executable).parent / "epipolis"


def epipolis(home, *words, check=True):
    env = os.environ | {"EPIPOLIS_HOME": str(home), "DJANGO_SETTINGS_MODULE": "epipolis.server.settings"}
    return subprocess.run([EPIPOLIS, *words], env=env, capture_output=True, text=True, check=check, timeout=120)


@pytest.fixture(scope="module")
def city(tmp_path_factory, fresh_home):
    """An installation with one case, its audit trail chained, and a backup of it."""
    home = tmp_path_factory.mktemp("city")
    copy_database(fresh_home, home)
    lines = home / "cases.csv"
    lines.write_text("id,sex,age,onset,confirmed,classification\nA1,F,44,2020-03-01,2020-03-05,confirmed\n", encoding="utf-8")
    epipolis(home, "import", "cases", str(lines), "--source", "test")
    made = json.loads(epipolis(home, "backup", str(home / "city.epipolis"), "--json").stdout)
    return home, made


def test_a_restored_city_has_the_same_rows_and_a_whole_audit_chain(city, tmp_path):
    home, made = city

    restored = json.loads(epipolis(tmp_path, "restore", str(home / "city.epipolis"), "--json").stdout)

    assert (restored["rows"], restored["audit_chain"]) == (made["rows"], "whole")
    for there in (home, tmp_path):
        epipolis(there, "export", "cases", str(there / "out.json"))
    assert json.loads((tmp_path / "out.json").read_text()) == json.loads((home / "out.json").read_text())


def test_a_backup_is_for_its_owner_only(city):
    home, _ = city

    assert (home / "city.epipolis").stat().st_mode & 0o777 == 0o600


def test_a_restore_never_writes_over_a_city_that_is_there(city):
    home, _ = city

    refused = epipolis(home, "restore", str(home / "city.epipolis"), check=False)

    assert (refused.returncode, "empty installation" in refused.stderr) == (1, True)


def test_a_file_that_is_no_backup_is_refused_in_one_line(tmp_path):
    (tmp_path / "x.epipolis").write_text("hello")

    refused = epipolis(tmp_path, "restore", str(tmp_path / "x.epipolis"), check=False)

    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)


def test_doctor_finds_a_changed_audit_trail(city):
    home, _ = city
    change = (
        "import django; django.setup()\n"
        "from django.db import connection\n"
        "c = connection.cursor()\n"
        "c.execute('SET session_replication_role = replica')\n"
        "c.execute(\"UPDATE core_auditentry SET actor = 'nobody' WHERE position = 1\")\n"
    )
    env = os.environ | {"EPIPOLIS_HOME": str(home), "DJANGO_SETTINGS_MODULE": "epipolis.server.settings"}
    assert epipolis(home, "doctor").returncode == 0
    subprocess.run([sys.executable, "-W", "ignore", "-c", change], env=env, check=True)

    said = json.loads(epipolis(home, "doctor", "--json", check=False).stdout)

    assert [result["check"] for result in said if not result["ok"]] == ["audit chain"]
