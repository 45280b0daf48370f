"""Rules that import-linter cannot say: what one module may use of another, and how long things may grow."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
WINGS = ("sense", "understand", "act", "share")
CORE_LINES = 5_500
PUBLIC = {"events", "models", "queries", "services"}
EVERYTHING = sorted((SRC / "epipolis").glob("**/*.py"))
FILES = [path for path in EVERYTHING if path.relative_to(SRC).parts[1] in WINGS and "migrations" not in path.parts]
OWN = [path for path in EVERYTHING if "migrations" not in path.parts]


def ids(path):
    return str(path.relative_to(SRC / "epipolis"))


every_module_file = pytest.mark.parametrize("path", FILES, ids=ids)
every_file = pytest.mark.parametrize("path", OWN, ids=ids)


def foreign_imports(path):
    """Yield (files, names) for each import from another module of a wing."""
    home = list(path.relative_to(SRC).parts[:3])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            parts = node.module.split(".")
            if parts[0] == "epipolis" and len(parts) > 1 and parts[1] in WINGS and parts[:3] != home:
                names = {alias.name for alias in node.names}
                yield set(parts[3:4]) or names, names


@every_module_file
def test_a_module_uses_only_the_public_files_of_others(path):
    for files, _ in foreign_imports(path):
        assert files <= PUBLIC


@every_module_file
def test_a_module_queries_only_its_own_tables(path):
    foreign = {name for _, names in foreign_imports(path) for name in names}
    queried = {
        node.value.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "objects" and isinstance(node.value, ast.Name)
    }
    assert not queried & foreign


@every_file
def test_no_file_grows_past_400_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@every_file
def test_no_file_has_a_name_that_says_nothing(path):
    assert path.stem not in {"utils", "helpers", "common", "base", "misc", "manager", "util"}


@every_module_file
def test_every_foreign_key_that_leaves_its_module_has_no_way_back(path):
    if path.name != "models.py" and path.parent.name != "models":
        return
    foreign = {name for _, names in foreign_imports(path) for name in names}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        is_key = isinstance(node, ast.Call) and ast.unparse(node.func) in {"models.ForeignKey", "models.OneToOneField"}
        if is_key and isinstance(node.args[0], ast.Name) and node.args[0].id in foreign:
            way_back = {word.arg: ast.unparse(word.value) for word in node.keywords}.get("related_name")
            assert way_back == "'+'", f"{ast.unparse(node)} must say related_name='+'"


def test_the_core_stays_within_its_budget():
    """Decision 4: a new concern replaces something, or leaves the core as a module."""
    lines = sum(len(p.read_text(encoding="utf-8").splitlines()) for p in OWN if p.relative_to(SRC).parts[1] == "core")

    assert lines <= CORE_LINES


def test_the_core_knows_no_epidemic():
    """Anything with a word of the domain leaves the core."""
    words = re.compile(r"\b(quarantine|infectious|vaccin\w+|isolation)\b", re.IGNORECASE)
    found = [ids(p) for p in OWN if p.relative_to(SRC).parts[1] == "core" and words.search(p.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize("engine", sorted(p.parent.name for p in (SRC / "epipolis" / "engines").glob("*/__init__.py")))
def test_engines_do_not_load_the_platform(engine):
    code = f"import sys, epipolis.engines.{engine}; sys.exit(bool({{'django', 'psycopg', 'procrastinate'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=SRC, check=False).returncode == 0


def test_every_suppression_says_why():
    from tests.suppressions import unexplained

    assert unexplained(SRC.parent) == []
