"""Fixtures that every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.rows import PROPERTY, ROWS, Account, rows_of

ROOT = Path(__file__).resolve().parent.parent


def without_users(definition: str) -> str:
    """A sync definition that syncs records alone."""
    head, _, rest = definition.partition("\nusers:\n")
    lines = rest.splitlines(keepends=True)
    while lines and not lines[0].strip("\n").startswith("objects:"):
        del lines[0]
    return "".join([head, "\n", *lines])


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded facts beside the project; optional outside CI."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{folder} is missing, and CI needs it")
        pytest.skip("the folder of recorded facts (../shared) is not here")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have each report tell the specification's rows that its test bears."""
    unknown = set()
    for item in items:
        for row in rows_of(item):
            item.user_properties.append((PROPERTY, row))
            if row not in ROWS:
                unknown.add(f"{item.nodeid}: {row}")
    if unknown:
        raise pytest.UsageError(f"no row of the specification: {', '.join(sorted(unknown))}")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of the whole suite that leaves a row of the specification without a test."""
    config = session.config
    account = _account(config)
    if account is None or not _is_whole(config) or session.exitstatus != pytest.ExitCode.OK:
        return
    if account.missing:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Count random histories, and list the rows of the specification, where a run had any."""
    passed = terminalreporter.stats.get("passed", ())
    told = [dict(one.user_properties).get("histories", 0) for one in passed if one.when == "call"]
    if any(told):
        terminalreporter.write_line(f"{sum(told)} random histories without a violation")
    account = _account(config)
    if account is None or not account.ran or not (_is_whole(config) or config.option.verbose > 0):
        return
    terminalreporter.section("rows of the specification")
    for line in account.lines():
        terminalreporter.write_line(line)
    missing = account.missing
    kept = len(ROWS) - len(missing)
    terminalreporter.write_line(f"{kept} of {len(ROWS)} rows have a passing test")
    if missing and _is_whole(config):
        terminalreporter.write_line(f"WITHOUT A PASSING TEST: {'; '.join(missing)}", red=True)


def _account(config: pytest.Config) -> Account | None:
    """The account of a run; None in a worker process, which sees a part of the run."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return None
    stats = reporter.stats
    calls = [one for one in stats.get("passed", ()) if one.when == "call"]
    return Account(calls, [*stats.get("failed", ()), *stats.get("error", ())])


def _is_whole(config: pytest.Config) -> bool:
    """Whether every test was asked for."""
    option = config.option
    names = ("keyword", "markexpr", "lf", "collectonly", "ignore", "ignore_glob", "deselect")
    chosen = any(getattr(option, name, None) for name in names)
    asked = {(config.invocation_params.dir / one).resolve() for one in config.args}
    return not chosen and asked == {ROOT / "tests"}
