"""What the product promises about speed, memory and requests, measured here and now.

Everything runs as its user would run it: the commands in processes of their own, the local servers
in another, the ledger in a SQLite file. Limits are ratios to a bare loop of the same run, or rates.
The start of a Python process is left out of rates and told on its own. Exits with 1 where a limit
is missed.
"""

from __future__ import annotations

import csv
import platform
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from reverse_sf.salesforce import Credentials, SalesforceClient
from reverse_sf.simulator.connection import CONSUMER_KEY, CONSUMER_SECRET, REFRESH_TOKEN
from reverse_sf.simulator.local import running
from tests.benchmarks import (
    bench_activities,
    bench_tap,
    bench_target,
    bench_way_back,
    mapper_command,
)
from tests.benchmarks.report import Line, Report

if TYPE_CHECKING:
    from reverse_sf.simulator.local import LocalServer
    from tests.benchmarks.commands import Cost

TAP_RATIO = 0.40
TAP_PEAK_MB = 250
MAPPER_CHANGED = 15_000
MAPPER_UNCHANGED = 25_000
TAP = "tap-salesforce, Bulk API 2.0"
MAPPER = "spotio-mapper, ledger in SQLite"
TARGET = "target-spotio"
WAY_BACK = "SPOTIO to Salesforce, and both directions"
ACTIVITIES = "Activities to Tasks"
REQUESTS_PER_1000 = 10
FLAT = 1.5
"""So many times as much memory a run may take with ten times as many records."""
IDLE_REQUESTS = 12
TELLING = 0.05
"""The share of a run that must be left when the start of its process is taken off."""


def say(text: str) -> None:
    """Tell what is going on, beside the result."""
    click.echo(f"{time.strftime('%H:%M:%S')} {text}", err=True)


def bare_loop_over_file(server: LocalServer, folder: Path) -> tuple[int, float, float]:
    """Read the CSV from a file and encode every row: rows, wall and processor seconds."""
    login = Credentials(
        login_url=server.url,
        client_id=CONSUMER_KEY,
        client_secret=CONSUMER_SECRET,
        refresh_token=REFRESH_TOKEN,
    )
    client = SalesforceClient(login)
    files = []
    for body in bench_tap._bodies(client, bench_tap._job(client)):
        files.append(folder / f"results-{len(files)}.csv")
        files[-1].write_bytes(body)
    client.close()
    encode = msgspec.json.Encoder().encode
    count = 0
    began, began_work = time.perf_counter(), time.process_time()
    with (folder / "bare.jsonl").open("wb") as out:
        for file in files:
            with file.open(encoding="utf-8", newline="") as text:
                rows = csv.reader(text)
                header = next(rows)
                for row in rows:
                    out.write(encode(dict(zip(header, row, strict=True))))
                    out.write(b"\n")
                    count += 1
    spent = (time.perf_counter() - began, time.process_time() - began_work)
    for file in (*files, folder / "bare.jsonl"):
        file.unlink()
    return count, *spent


def measure_tap(report: Report, server: LocalServer, folder: Path, records: int) -> None:
    """Read all Accounts."""
    say(f"tap-salesforce over {records:,} Accounts of {len(bench_tap.FIELDS)} fields")
    count, bare_wall, bare_work = bare_loop_over_file(server, folder)
    start = bench_tap.command(server, folder, idle=True)
    full = bench_tap.command(server, folder, idle=False)
    with (folder / "out.jsonl").open("rb") as lines:
        emitted = sum(line.startswith(b'{"type":"RECORD"') for line in lines)
    (folder / "out.jsonl").unlink()
    if not count == emitted == records:
        raise SystemExit(f"the tap emitted {emitted:,} of {records:,} records")
    work, wall = full.processor_s - start.processor_s, full.wall_s - start.wall_s
    report.add(
        TAP,
        Line(
            "bare loop: csv.reader and msgspec, from a file",
            per_second(count, bare_wall),
            per_second(count, bare_work),
        ),
    )
    report.add(
        TAP,
        Line(
            "tap; by the clock the server works too",
            per_second(count, wall),
            per_second(count, work),
            f"{bare_work / work:.0%}",
            f"≥ {TAP_RATIO:.0%}",
            kept=bare_work / work >= TAP_RATIO,
        ),
    )
    report.add(TAP, Line("start of the process", f"{start.wall_s:.2f} s"))
    report.add(TAP, peak(count, full.peak_mb))
    report.add(TAP, Line("requests to Salesforce per 1,000", per_thousand(full.requests, count)))


def measure_memory(report: Report, folder: Path, records: int) -> None:
    """Read a million Accounts, for the tap's memory only."""
    say(f"tap-salesforce over {records:,} Accounts, for its memory")
    with running(records=0, accounts=records) as servers:
        full = bench_tap.command(servers.salesforce, folder, idle=False)
    (folder / "out.jsonl").unlink()
    report.add(TAP, peak(records, full.peak_mb))


def measure_mapper(report: Report, folder: Path, records: int) -> None:
    """Map records that are new, unchanged and changed."""
    say(f"spotio-mapper over {records:,} Accounts: new, unchanged, changed")
    bare, start, runs = mapper_command.measure(folder, records)
    report.add(
        MAPPER,
        Line("bare loop: decodes and encodes with msgspec", "", f"{bare.per_second:,.0f}/s"),
    )
    for run in runs:
        limit = MAPPER_CHANGED if run.emitted else MAPPER_UNCHANGED
        worked = run.records / run.cost.processor_s
        report.add(
            MAPPER,
            Line(
                run.name,
                per_second(run.records, run.cost.wall_s),
                f"{worked:,.0f}/s",
                f"{worked / bare.per_second:.1%}",
                f"≥ {limit:,}/s",
                kept=run.records / run.cost.wall_s >= limit,
            ),
        )
    report.add(MAPPER, Line("start of the process", f"{start.wall_s:.2f} s"))
    report.add(MAPPER, Line("peak memory", f"{max(run.cost.peak_mb for run in runs):,.0f} MB"))
    for run in runs:
        count = per_thousand(run.statements, run.records)
        report.add(MAPPER, Line(f"ledger statements per 1,000, {run.name}", count))


def measure_target(report: Report, server: LocalServer, folder: Path, records: int) -> None:
    """Load and change records in SPOTIO, and count requests."""
    say(f"target-spotio: {records:,} records created, then changed")
    for load in bench_target.measure(server, folder, records):
        if load.written != records:
            raise SystemExit(f"{load.name}: {load.written:,} of {records:,} records decided")
        report.add(
            TARGET,
            Line(f"{load.name}, {records:,} records", per_second(records, load.cost.wall_s)),
        )
        for what, number in (("requests to SPOTIO", load.requests), ("writes", load.writes)):
            report.add(TARGET, Line(f"  {what} per 1,000", per_thousand(number, load.written)))


def measure_way_back(report: Report, folder: Path, records: int) -> None:
    """Load SPOTIO's records into Salesforce and change them, by jobs and without; then rest."""
    with running(records=0) as servers:
        say(f"SPOTIO to Salesforce: {records:,} records, by Bulk API 2.0 and by collections")
        ids = bench_way_back.populate(servers.spotio, records)
        empty = start_of_parts(folder)
        for version, (way, threshold) in enumerate((("Bulk API 2.0", 1), ("collections", 0))):
            servers.salesforce.reset()
            settings = {"target-salesforce": {"bulk_threshold": threshold}}
            project = bench_way_back.Project(folder / f"way-back-{version}", servers, settings)
            load = project.step("spotio")
            if load.emitted != records:
                raise SystemExit(f"{load.emitted:,} of {records:,} records decided")
            if version == 0:
                report_rates(report, project, load, empty, "everything is new")
                quiet = project.step("spotio", again=True)
                report_rates(report, project, quiet, empty, "nothing changed")
            bench_way_back.change(servers.spotio, ids, version)
            changed = project.step("spotio")
            if version == 0:
                report_rates(report, project, changed, empty, "one field of each changed")
            for name, step in (("first load", load), ("update", changed)):
                judged = step is changed
                per_1000 = 1000 * len(step.salesforce) / records
                report.add(
                    WAY_BACK,
                    Line(
                        f"target-salesforce, {name} by {way}: requests per 1,000",
                        f"{per_1000:,.1f}",
                        limit=f"≤ {REQUESTS_PER_1000}" if judged else "",
                        kept=per_1000 <= REQUESTS_PER_1000 if judged else None,
                    ),
                )
        say("at rest, and one change in each direction")
        project.rest()
        steps = [project.step("salesforce"), project.step("spotio")]
        report_calls(report, "idle two-way cycle", steps, IDLE_REQUESTS)
        for side, source in (("Salesforce", "salesforce"), ("SPOTIO", "spotio")):
            if source == "spotio":
                servers.spotio.edit(object="Accounts", id=ids[0], set={"Website": "https://p.one"})
            else:
                row = next(one for one in servers.salesforce.rows("Account") if one["SPOTIO_Id__c"])
                servers.salesforce.edit(
                    object="Account", id=row["Id"], set={"Website": "https://s.one"}
                )
            steps = [project.step(source)]
            report_calls(report, f"one change in {side} among {records:,}", steps, None)


def start_of_parts(folder: Path) -> dict[str, Cost]:
    """What each part takes to start and to find nothing to do."""
    with running(records=0) as servers:
        project = bench_way_back.Project(folder / "way-back-start", servers)
        project.step("spotio")
        return project.step("spotio").costs


def report_rates(
    report: Report,
    project: bench_way_back.Project,
    step: bench_way_back.Step,
    empty: dict[str, Cost],
    what: str,
) -> None:
    """Rates of tap and mapper, as shares of a bare loop over the tap's own lines."""
    count, bare = project.bare()
    bare_rate = count / bare
    parts = {"tap-spotio": "tap-spotio", "mapper": "salesforce-mapper"}
    for part, name in parts.items():
        if part == "tap-spotio" and what != "everything is new":
            continue
        whole = step.costs[part]
        cost = whole.without(empty[part])
        if min(cost.wall_s / whole.wall_s, cost.processor_s / whole.processor_s) < TELLING:
            report.add(WAY_BACK, Line(f"{name}, {what}", "too short to tell"))
            continue
        rate = step.observed / cost.processor_s
        report.add(
            WAY_BACK,
            Line(
                f"{name}, {what}",
                per_second(step.observed, cost.wall_s),
                f"{rate:,.0f}/s",
                f"{rate / bare_rate:.1%}",
            ),
        )


def report_calls(
    report: Report, what: str, steps: list[bench_way_back.Step], limit: int | None
) -> None:
    """The number of requests, and each of them."""
    called = [f"Salesforce {one}" for step in steps for one in step.salesforce]
    called += [f"SPOTIO {one}" for step in steps for one in step.spotio]
    report.add(
        WAY_BACK,
        Line(
            f"{what}: requests to both sides",
            str(len(called)),
            limit="" if limit is None else f"≤ {limit}",
            kept=None if limit is None else len(called) <= limit,
        ),
    )
    for call, number in Counter(called).items():
        report.add(WAY_BACK, Line(f"  {call}", str(number)))


def measure_activities(report: Report, folder: Path, number: int) -> None:
    """Push done calls as Tasks; a tenth of them first, to see whether memory grows."""
    say(f"SPOTIO to Salesforce with {number:,} calls")
    with running(records=0) as servers:
        project = bench_activities.ActivityProject(folder / "activities", servers)
        accounts = bench_way_back.populate(servers.spotio, 200)
        project.step("spotio")
        start = project.step("spotio")
        peaks: dict[str, float] = {}
        for share, now in ((number // 10, False), (number, True)):
            bench_activities.log_calls(servers.spotio, accounts, share)
            step = project.step("spotio")
            tasks = len(servers.salesforce.rows("Task"))
            wanted = number // 10 + (number if now else 0)
            if tasks != wanted:
                raise SystemExit(f"{tasks:,} Tasks of {wanted:,} activities")
            if not now:
                peaks = {name: cost.peak_mb for name, cost in step.costs.items()}
                continue
            _, bare = project.bare()
            report.add(
                ACTIVITIES,
                Line("bare loop over what the tap says", "", per_second(number, bare)),
            )
            for command, cost in step.costs.items():
                spent = cost.without(start.costs[command])
                report.add(
                    ACTIVITIES,
                    Line(
                        command,
                        per_second(number, spent.wall_s),
                        per_second(number, spent.processor_s),
                        f"{bare / spent.processor_s:.1%}",
                    ),
                )
                before = peaks[command]
                report.add(
                    ACTIVITIES,
                    Line(
                        f"  peak memory at {number:,}, and at a tenth of it",
                        f"{cost.peak_mb:,.0f} MB, {before:,.0f} MB",
                        limit=f"≤ {FLAT:.1f} times",
                        kept=cost.peak_mb <= FLAT * before,
                    ),
                )
            for name, calls in (("Salesforce", step.salesforce), ("SPOTIO", step.spotio)):
                rate = 1000 * len(calls) / number
                judged = name == "Salesforce"
                report.add(
                    ACTIVITIES,
                    Line(
                        f"requests to {name} per 1,000",
                        f"{rate:,.1f}",
                        limit=f"≤ {REQUESTS_PER_1000}" if judged else "",
                        kept=rate <= REQUESTS_PER_1000 if judged else None,
                    ),
                )


def per_second(number: int, seconds: float) -> str:
    """A rate in words."""
    return f"{number / seconds:,.0f}/s"


def per_thousand(number: int, records: int) -> str:
    """A cost per 1,000 records in words."""
    return f"{1000 * number / records:,.1f}"


def peak(records: int, peak_mb: float) -> Line:
    """The tap's memory, judged."""
    return Line(
        f"peak memory at {records:,} rows",
        f"{peak_mb:,.0f} MB",
        limit=f"≤ {TAP_PEAK_MB} MB",
        kept=peak_mb <= TAP_PEAK_MB,
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--records", default=100_000, show_default=True, help="Accounts for tap and mapper.")
@click.option("--quick", is_flag=True, help="5,000 records: shows that it works, judges nothing.")
@click.option(
    "--million/--no-million", default=True, help="The tap's memory at 1,000,000 rows, or not."
)
def main(*, records: int, quick: bool, million: bool) -> None:
    """Measure tap, mapper, ledger and target against their limits; exit 1 where one is missed."""
    if quick:
        records = 5_000
    loaded = min(records, 1_000 if quick else 5_000)
    title = (
        f"{records:,} records, Python {platform.python_version()}, {platform.machine()}, "
        f"{platform.system()}"
    )
    report = Report(title)
    with tempfile.TemporaryDirectory(prefix="reverse-sf-bench-") as name:
        folder = Path(name)
        with running(records=0, accounts=records) as servers:
            measure_tap(report, servers.salesforce, folder, records)
            measure_target(report, servers.spotio, folder, loaded)
        if million and not quick:
            measure_memory(report, folder, 1_000_000)
        measure_mapper(report, folder, records)
        measure_way_back(report, folder, 1_000 if quick else 10_000)
        measure_activities(report, folder, records)
    report.show(judged=not quick)
    if quick:
        click.echo("So few records say little about rates: no verdict without a full run.")
        return
    sys.exit(0 if report.kept else 1)


if __name__ == "__main__":
    main()
