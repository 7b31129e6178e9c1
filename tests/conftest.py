"""For every test: a data folder of its own before the settings load, and no silent skips where CI runs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from typing import Any

import pytest

# The settings make their keys on import, so the folder is named before anything loads them. So pyproject.toml
# does not name the settings module: pytest-django would load it before this file.
_home = tempfile.TemporaryDirectory(prefix="qqconsole-test-", ignore_cleanup_errors=True)
for _name in [name for name in os.environ if name.startswith("QQCONSOLE_")]:
    del os.environ[_name]
os.environ["QQCONSOLE_HOME"] = _home.name
os.environ["DJANGO_SETTINGS_MODULE"] = "qqconsole.settings"

import django  # noqa: E402
from django.conf import settings  # noqa: E402

django.setup()
if str(settings.HOME) != os.path.realpath(_home.name):
    raise pytest.UsageError(
        "DJANGO_SETTINGS_MODULE is set outside: the tests would use your own data folder. Unset it."
    )


def _must_not_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """What is missing on a developer's machine is skipped by name; where CI runs it has to be there."""
    if os.environ.get("CI", "").lower() in {"1", "true"} and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"Skipped, which CI does not allow: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _must_not_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _must_not_skip(report)
    return report


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> None:
    """The real hasher takes a tenth of a second a password, on purpose."""
    hashers: Any = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.PASSWORD_HASHERS = hashers
