"""The project as a whole: migrations, checks, what CI relies on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core import checks
from django.core.management import call_command

from qqconsole.environment import BASE_DIR


@pytest.mark.django_db
def test_the_models_have_their_migrations() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_django_finds_nothing_to_complain_about() -> None:
    assert checks.run_checks() == []


def test_what_make_and_ci_call_can_be_called() -> None:
    for script in (".ci/run", "scripts/install.sh", "scripts/test_packages.sh", "scripts/run_tests.sh"):
        assert os.access(BASE_DIR / script, os.X_OK), script
        subprocess.run(["sh", "-n", BASE_DIR / script], check=True)
    printed = subprocess.run(
        ["make", "-n", "-C", BASE_DIR, "run", "test", "lint", "messages", "bench"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "manage.py console" in printed
    assert "scripts/run_tests.sh" in printed
    assert "-m pytest" in (BASE_DIR / "scripts/run_tests.sh").read_text()
    assert "make test" in (BASE_DIR / ".ci/run").read_text()


def test_every_requirement_is_pinned_and_the_whole_tree_with_it() -> None:
    names = {}
    for path in ("requirements.txt", "requirements-dev.txt", "constraints.txt"):
        for line in (BASE_DIR / path).read_text().splitlines():
            if line and not line.startswith(("#", "-")):
                pinned = re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[[a-z0-9,]+\])?==(\S+)", line)
                assert pinned, line
                name = re.sub(r"[-_.]+", "-", pinned[1]).lower()
                assert names.setdefault(name, pinned[2]) == pinned[2], line


@pytest.mark.parametrize(("ci", "passes"), [("", True), ("true", False)])
@pytest.mark.parametrize("where", ["call", "module"])
def test_a_skip_is_a_failure_where_ci_runs(tmp_path: Path, ci: str, passes: bool, where: str) -> None:
    (tmp_path / "conftest.py").write_text((BASE_DIR / "tests/conftest.py").read_text("utf-8"), "utf-8")
    skip = "pytest.skip('no chromium', allow_module_level=True)"
    body = f"import pytest\n{skip}\n" if where == "module" else f"import pytest\ndef test_it():\n    {skip}\n"
    # A second one, so that a module that is skipped whole leaves something collected.
    (tmp_path / "test_skipping.py").write_text(body)
    (tmp_path / "test_other.py").write_text("def test_other():\n    pass\n")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(BASE_DIR), "CI": ci},
        capture_output=True,
        text=True,
    )

    assert (done.returncode == 0) is passes, done.stdout
    assert passes or "no chromium" in done.stdout
