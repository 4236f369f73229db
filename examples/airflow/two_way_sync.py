"""The two-way sync as an Airflow DAG: each direction is a task of its own.

For Airflow 3: put it into the DAGs folder. ``MELTANO_PROJECT`` names the Meltano project on the
worker; credentials come from the environment of the worker or from a secrets backend.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = os.environ.get("MELTANO_PROJECT", "/opt/sync")

with DAG(
    dag_id="two_way_sync",
    description="SPOTIO and Salesforce, both directions",
    schedule=timedelta(minutes=15),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
):
    to_spotio, to_salesforce = (
        BashOperator(
            task_id=job.replace("-", "_"),
            bash_command=f"cd {PROJECT} && .venv/bin/meltano run {job}",
            append_env=True,
        )
        for job in ("salesforce-to-spotio", "spotio-to-salesforce")
    )
    # A direction that fails does not hold up the other one: the next run completes its work.
    to_salesforce.trigger_rule = "all_done"
    to_spotio >> to_salesforce
