"""The two-way sync as a Dagster job with a schedule: ``dagster dev -f two_way_sync.py``.

``MELTANO_PROJECT`` names the Meltano project; credentials come from the environment.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import dagster

PROJECT = Path(os.environ.get("MELTANO_PROJECT", "/opt/sync"))


def run(context: dagster.OpExecutionContext, job: str) -> None:
    """Run a Meltano job; its output goes to Dagster's log, a failure fails the op."""
    command = [PROJECT / ".venv" / "bin" / "meltano", "run", job]
    with subprocess.Popen(  # noqa: S603 - the project's own meltano
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as meltano:
        for line in meltano.stdout or ():
            context.log.info(line.rstrip())
    if meltano.returncode:
        raise dagster.Failure(f"meltano run {job} ended with {meltano.returncode}")


@dagster.op
def salesforce_to_spotio(context: dagster.OpExecutionContext) -> bool:
    """What changed in Salesforce goes to SPOTIO."""
    run(context, "salesforce-to-spotio")
    return True


@dagster.op
def spotio_to_salesforce(context: dagster.OpExecutionContext, after: bool) -> None:  # noqa: FBT001 - an op's input
    """What changed in SPOTIO goes to Salesforce, afterwards."""
    del after
    run(context, "spotio-to-salesforce")


@dagster.job
def two_way_sync() -> None:
    """Both directions, one after the other."""
    spotio_to_salesforce(salesforce_to_spotio())


defs = dagster.Definitions(
    jobs=[two_way_sync],
    schedules=[
        dagster.ScheduleDefinition(
            job=two_way_sync,
            cron_schedule="*/15 * * * *",
            default_status=dagster.DefaultScheduleStatus.RUNNING,
        )
    ],
)
