"""What the mapper accepts: any tap's messages, in any order; and what it writes for any target."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import msgspec
import pytest
import singer_sdk.testing

from reverse_sf.errors import ConfigurationError
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapper.observation import instant
from reverse_sf.mapper.plugin import SETTINGS, SpotioMapper
from reverse_sf.mapping.definition import Direction
from tests.unit.mapper_fixtures import (
    LATER,
    SYNC,
    account,
    bench,
    contact,
    record,
    salesforce_id,
    schema,
    state,
)

__all__ = ["bench"]
STREAMS = Path(singer_sdk.testing.__file__).parent / "target_test_streams"
A1 = salesforce_id("001", 1)
NULLABLE = ["null", "string"]


@pytest.mark.parametrize("path", sorted(STREAMS.glob("*.singer")), ids=lambda path: path.stem)
def test_the_sdks_own_test_streams_pass_without_an_error_and_only_states_come_out(bench, path):
    text = path.read_bytes().splitlines(keepends=True)
    emitted = bench.run(raw=text)
    states = [line for line in text if b'"STATE"' in line]
    assert [json.loads(line) for line in emitted.text.splitlines()] == [
        json.loads(line) for line in states
    ]


def meltanolabs_schema():
    """The shapes of peers.md 2.1: no type at all, anyOf dates, type lists in any order."""
    properties = {
        "Id": {"type": ["string"]},
        "IsDeleted": {"type": ["boolean", "null"]},
        "MasterRecordId": {"type": NULLABLE},
        "Name": {"type": NULLABLE},
        "Type": {},
        "Phone": {"type": NULLABLE},
        "Website": {"type": NULLABLE},
        "Billing_Email__c": {"type": NULLABLE},
        "AnnualRevenue": {"type": ["number", "object", "null"]},
        "Product_Interest__c": {"type": NULLABLE},
        "Customer_Since__c": {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": ["string", "null"]}]
        },
        "Last_Audit__c": {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": ["string", "null"]}]
        },
        "Industry": {"type": NULLABLE},
        "Rating": {"type": NULLABLE},
        "BillingStreet": {"type": NULLABLE},
        "BillingCity": {"type": NULLABLE},
        "OwnerId": {"type": ["null", "string"]},
        "SystemModstamp": {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": ["string", "null"]}]
        },
    }
    return {
        "type": "SCHEMA",
        "stream": "Account",
        "schema": {"properties": properties, "type": "object", "additionalProperties": False},
        "key_properties": ["Id"],
        "bookmark_properties": ["SystemModstamp"],
    }


def meltanolabs_record(**fields):
    return {
        **record(
            "Account",
            account(
                SystemModstamp="2026-05-06T11:56:44.000000Z",
                Last_Audit__c="2026-01-02T03:04:05.000000Z",
                BillingAddress={"street": "1 Main Street"},
                **fields,
            ),
        ),
        "version": 1795428230318,
        "time_extracted": "2026-11-23T10:03:50.320385Z",
    }


def test_the_meltanolabs_taps_messages_are_understood(bench):
    version = {"type": "ACTIVATE_VERSION", "stream": "Account", "version": 1795428230318}
    emitted = bench.run(
        state({}),
        meltanolabs_schema(),
        version,
        meltanolabs_record(),
        state({"bookmarks": {"Account": {"version": 1, "SystemModstamp": LATER}}}),
        version,
        meltanolabs_schema(),
        meltanolabs_record(),
    )
    assert emitted.kinds == ["STATE", "SCHEMA", "RECORD", "STATE"]
    (one,) = emitted.records
    assert one["Company"] == "Company 1"
    assert one["Last Audit"] == "2026-01-02T03:04:05Z"
    assert one["Products"] in (["Batteries", "Panels"], "Panels;Batteries")


def test_a_change_of_tap_changes_nothing(bench):
    """Microseconds instead of milliseconds is no change of a record."""
    bench.apply(bench.accounts(account()))
    emitted = bench.run(schema("Account"), meltanolabs_record())
    assert emitted.records == []


def test_states_pass_untouched_whatever_they_hold_and_behind_what_preceded_them(bench):
    odd = b'{"value": {"x":[1, 2], "bookmarks": 7},   "type":"STATE"}\n'
    text = [
        odd,
        *(
            msgspec.json.encode(one) + b"\n"
            for one in (schema("Account"), record("Account", account()))
        ),
        b'{"type": "STATE", "value": null}',
    ]
    emitted = bench.run(raw=text)
    first, *_, last = emitted.text.splitlines(keepends=True)
    assert first == odd
    assert last == text[-1] + b"\n"
    assert emitted.kinds == ["STATE", "SCHEMA", "RECORD", "STATE"]


def test_interleaved_streams_are_decided_each_for_itself(bench):
    emitted = bench.run(
        schema("Contact"),
        schema("Account"),
        record("Contact", contact()),
        record("Account", account()),
        record("Contact", contact(2)),
        record("Account", account(2)),
        state({"done": True}),
    )
    assert len(emitted.records) == 4
    assert emitted.kinds[-1] == "STATE"


def test_the_schema_comes_once_before_the_first_record_and_describes_it(bench):
    emitted = bench.run(
        schema("Account"),
        record("Account", account()),
        state({}),
        schema("Account"),
        record("Account", account(2)),
        state({}),
    )
    assert emitted.kinds == ["SCHEMA", "RECORD", "STATE", "RECORD", "STATE"]
    said = emitted.messages[0]
    assert (said["stream"], said["key_properties"]) == ("Accounts", [])
    assert said["bookmark_properties"] == ["SystemModstamp"]
    for one in emitted.records:
        jsonschema.Draft202012Validator(said["schema"]).validate(one)
        assert set(one) <= set(said["schema"]["properties"])


def test_a_changed_schema_takes_effect_from_there_on(bench):
    wider = schema("Account")
    wider["schema"]["properties"]["Fax"] = {"type": ["string", "null"]}
    emitted = bench.run(
        schema("Account"), record("Account", account()), wider, record("Account", account(2))
    )
    assert len(emitted.records) == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"not json\n", "no Singer message"),
        (b'["RECORD"]\n', "no Singer message"),
        (b'{"type": "NEWS"}\n', "unknown type"),
        (b'{"type": "RECORD", "stream": "Account", "record": {"Name": "x"}}\n', "needs its Id"),
    ],
)
def test_a_line_that_is_no_singer_message_ends_the_run_with_one_clear_error(bench, line, says):
    with pytest.raises(ConfigurationError, match=says):
        bench.run(raw=[msgspec.json.encode(schema("Account")) + b"\n", line])


def test_records_before_their_schema_are_refused(bench):
    with pytest.raises(ConfigurationError, match="before their SCHEMA"):
        bench.run(record("Account", account()))


def test_batch_files_of_a_mapped_stream_are_refused_and_others_passed_over(bench):
    bench.run({"type": "BATCH", "stream": "Case", "encoding": {}, "manifest": []})
    with pytest.raises(ConfigurationError, match="batch_config"):
        bench.run({"type": "BATCH", "stream": "Account", "encoding": {}, "manifest": []})


@pytest.mark.parametrize(
    ("spelled", "normal"),
    [
        ("2026-05-06T11:56:44.000Z", "2026-05-06T11:56:44.000Z"),
        ("2026-05-06T11:56:44.123456Z", "2026-05-06T11:56:44.123Z"),
        ("2026-05-06T11:56:44.120+0000", "2026-05-06T11:56:44.120Z"),
        ("2026-05-06T13:56:44+02:00", "2026-05-06T11:56:44.000Z"),
        ("2026-05-06T11:56:44Z", "2026-05-06T11:56:44.000Z"),
        ("yesterday", None),
        (None, None),
    ],
)
def test_stamps_of_any_tap_sort_as_text(spelled, normal):
    assert instant(spelled) == normal


# --- the command -----------------------------------------------------------------------------


def spotio_mapper(*arguments, text=b"", folder, **environment):
    return subprocess.run(
        [sys.executable, "-m", "reverse_sf.mapper.plugin", *arguments],
        input=text,
        capture_output=True,
        cwd=folder,
        env={**os.environ, **environment},
        timeout=60,
        check=False,
    )


@pytest.fixture
def project(tmp_path):
    (tmp_path / "sync.yml").write_text(SYNC)
    (tmp_path / ".meltano").mkdir()
    return tmp_path


def config(folder, **settings):
    path = folder / "config.json"
    path.write_text(json.dumps(settings))
    return str(path)


def test_the_command_maps_from_standard_input_to_standard_output(project):
    text = b"".join(
        msgspec.json.encode(one) + b"\n"
        for one in (state({}), schema("Account"), record("Account", account()), state({"a": 1}))
    )
    done = spotio_mapper("--config", config(project), text=text, folder=project)
    assert done.returncode == 0, done.stderr.decode()
    kinds = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    assert kinds == ["STATE", "SCHEMA", "RECORD", "STATE"]
    assert b"Account:Accounts: 1 observed, 1 to create" in done.stderr


def test_paths_count_from_the_meltano_projects_folder(project, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    uri = f"sqlite:///{project / 'ledger.db'}"
    done = spotio_mapper(
        "--config",
        config(elsewhere, ledger_uri=uri),
        folder=elsewhere,
        MELTANO_PROJECT_ROOT=str(project),
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"mapping": "other"}, b"'other' is not one of"),
        ({"sync_file": "missing.yml"}, b"missing.yml cannot be read"),
        ({"ledger_uri": "sqlite:///no/such/folder/ledger.db"}, b"no/such/folder"),
        ({"batch_size": 0}, b"batch_size"),
    ],
)
def test_a_wrong_setting_is_one_clear_message_and_exit_code_2(project, settings, says):
    done = spotio_mapper("--config", config(project, **settings), folder=project)
    assert done.returncode == 2
    assert says in done.stderr
    assert b"Traceback" not in done.stderr


def test_the_command_describes_itself_and_every_setting(project):
    done = spotio_mapper("--about", "--format=json", folder=project)
    assert done.returncode == 0
    about = json.loads(done.stdout)
    assert about["name"] == "spotio-mapper"
    assert spotio_mapper("--version", folder=project).returncode == 0
    assert all(one["description"] for one in SETTINGS.to_dict()["properties"].values())


def test_a_target_that_ended_first_is_one_clear_message(project):
    """The reading end of the pipe is closed before the mapper writes."""
    text = b"".join(
        msgspec.json.encode(one) + b"\n"
        for one in (schema("Account"), *(record("Account", account(n)) for n in range(3000)))
    )
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "reverse_sf.mapper.plugin", "--config", config(project)],
            input=text,
            stdout=writing,
            stderr=subprocess.PIPE,
            cwd=project,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.returncode == 1
    assert b"the target has ended" in done.stderr
    assert b"Traceback" not in done.stderr


def test_the_sdk_can_instantiate_the_plugin(project):
    mapper = SpotioMapper(config={"sync_file": "sync.yml"})
    assert mapper.config["mapping"] == "spotio-mapper"


@pytest.mark.skipif(os.name == "nt", reason="SIGTERM is a signal of POSIX systems")
def test_a_terminated_mapper_keeps_what_it_committed_and_says_so(project):
    text = b"".join(
        msgspec.json.encode(one) + b"\n"
        for one in (schema("Account"), record("Account", account()), state({"a": 1}))
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "reverse_sf.mapper.plugin", "--config", config(project)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=project,
    )
    process.stdin.write(text)
    process.stdin.flush()
    said = [json.loads(process.stdout.readline())["type"] for _ in range(3)]
    process.terminate()
    _, errors = process.communicate(timeout=30)
    assert said == ["SCHEMA", "RECORD", "STATE"]
    assert process.returncode == 1
    assert b"interrupted; everything finished so far is kept" in errors
    with Ledger.open(f"sqlite:///{project / '.meltano/reverse-sf/ledger.db'}") as ledger:
        last = ledger.last_run(Direction.TO_SPOTIO)
        assert last.status == "interrupted"
        assert ledger.link_ids("Account:Accounts", [A1])
