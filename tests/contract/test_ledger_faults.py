from __future__ import annotations

import os
import re
import sqlite3
import stat
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from reverse_sf.errors import ConfigurationError, RetryError, ReverseSFError, StopError
from reverse_sf.ledger import migrations
from reverse_sf.ledger.batches import Decisions
from reverse_sf.ledger.migrations import Migration
from reverse_sf.ledger.store import Ledger
from reverse_sf.mapping.definition import Side
from tests.contract.ledger_fixtures import (
    PAIR,
    any_uri,
    decide,
    image,
    link_id,
    run,
)
from tests.postgresql import postgresql_server, shared_uri

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["any_uri", "postgresql_server", "shared_uri"]

MIGRATE = migrations.migrate
NEXT = migrations.MIGRATIONS[-1].version + 1
OLD_ROWS = (
    f"""
    INSERT INTO sync_links (number, link_id, pair, origin, state, salesforce_id, spotio_id)
    VALUES (1, '{link_id("old")}', '{PAIR}', 'salesforce', 'linked', 'sf-old', 'sp-old')
    """,
    """
    INSERT INTO sync_images (link, side, digest, modified_at, observed_at, deleted, content)
    VALUES (1, 'salesforce', 'digest', NULL, '2026-05-06T00:00:00.000Z', FALSE, '{}')
    """,
)
"""What a ledger holds that the first version of the schema has made."""


def as_of_version_1(connection, shown):
    return MIGRATE(connection, shown, migrations.MIGRATIONS[:1])


class TestOpening:
    def test_a_new_ledger_remembers_what_was_migrated(self, any_uri):
        with Ledger.open(any_uri) as ledger, ledger._reading() as connection:
            rows = connection.execute(text("SELECT version, name FROM sync_migrations")).all()
        assert [tuple(it) for it in rows] == [(it.version, it.name) for it in migrations.MIGRATIONS]

    def test_a_ledger_is_found_as_it_was_left(self, shared_uri):
        with Ledger.open(shared_uri) as ledger:
            ledger.begin_run(run("run-1"), ttl_seconds=600)
            decide(ledger, "a")
        with Ledger.open(shared_uri) as ledger:
            assert ledger.observed(PAIR, ["sf-a"])["sf-a"].has_open_operation

    def test_a_ledger_of_a_newer_version_is_refused(self, shared_uri):
        with Ledger.open(shared_uri) as ledger, ledger._writing() as connection:
            connection.execute(
                text("INSERT INTO sync_migrations VALUES (99, 'from the future', '2030')")
            )
        with pytest.raises(ConfigurationError, match="newer version") as caught:
            Ledger.open(shared_uri)
        assert "99" in str(caught.value)

    def test_a_ledger_of_the_first_version_keeps_what_it_holds_and_learns_what_differs(
        self, shared_uri, monkeypatch
    ):
        with monkeypatch.context() as patch:
            patch.setattr(migrations, "migrate", as_of_version_1)
            with Ledger.open(shared_uri) as ledger, ledger._writing() as connection:
                for statement in OLD_ROWS:
                    connection.exec_driver_sql(statement)
        with Ledger.open(shared_uri) as ledger:
            ledger.begin_run(run("run-1"), ttl_seconds=600)
            known = ledger.observed(PAIR, ["sf-old"])["sf-old"]
            assert (known.digest, known.differing_text) == ("digest", None)
            assert not known.is_as_its_base, "nobody has kept what differs"
            ledger.commit_decisions(
                Decisions(run_id="run-1", images=[image("old"), image("old", side=Side.SPOTIO)])
            )
            assert ledger.observed(PAIR, ["sf-old"])["sf-old"].is_as_its_base

    def test_a_migration_that_fails_leaves_the_ledger_at_the_version_before(self, shared_uri):
        broken = Migration(
            NEXT, "broken", ("CREATE TABLE sync_extra (n INTEGER)", "CREATE nonsense")
        )
        with Ledger.open(shared_uri) as ledger:
            with (
                pytest.raises(Exception, match="nonsense"),
                ledger._using() as connection,
            ):
                migrations.migrate(connection, "it", (*migrations.MIGRATIONS, broken))
            with ledger._reading() as connection:
                assert migrations.migrate(connection, "it") == []
                found = connection.execute(text("SELECT max(version) FROM sync_migrations"))
                assert found.scalar() == NEXT - 1
        fixed = Migration(NEXT, "fixed", ("CREATE TABLE sync_extra (n INTEGER)",))
        with Ledger.open(shared_uri) as ledger, ledger._using() as connection:
            done = migrations.migrate(connection, "it", (*migrations.MIGRATIONS, fixed))
        assert done == [NEXT]

    def test_closing_twice_is_harmless(self, any_uri):
        ledger = Ledger.open(any_uri)
        ledger.close()
        ledger.close()


class TestAddresses:
    def test_a_missing_folder_is_a_clear_message(self, tmp_path):
        with pytest.raises(ConfigurationError, match=r"folder .*nowhere does not exist: make it"):
            Ledger.open(f"sqlite:///{tmp_path}/nowhere/ledger.db")
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_inside_an_existing_meltano_folder_is_made(self, tmp_path, monkeypatch):
        (tmp_path / ".meltano").mkdir()
        monkeypatch.chdir(tmp_path)
        Ledger.open("sqlite:///.meltano/reverse-sf/ledger.db").close()
        assert (tmp_path / ".meltano" / "reverse-sf" / "ledger.db").is_file()

    def test_without_a_meltano_folder_the_default_place_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ConfigurationError, match="Meltano project's root"):
            Ledger.open("sqlite:///.meltano/reverse-sf/ledger.db")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("uri", "says"),
        [
            ("ledger.db", "not a database URL"),
            ("", "not a database URL"),
            ("mysql://user:hunter2@host/db", "SQLite or PostgreSQL"),
            ("postgresql+psycopg2://user:hunter2@host/db", "SQLite or PostgreSQL"),
        ],
    )
    def test_what_is_no_ledger_address_is_a_clear_message(self, uri, says):
        with pytest.raises(ConfigurationError, match=says) as caught:
            Ledger.open(uri)
        assert "hunter2" not in str(caught.value)


class TestFileFaults:
    def test_a_file_that_is_no_database_is_left_alone(self, tmp_path):
        path = tmp_path / "ledger.db"
        path.write_text("not a database, but somebody's notes\n" * 100)
        before = path.read_bytes()
        with pytest.raises(ConfigurationError, match=r"ledger\.db is not a SQLite database"):
            Ledger.open(f"sqlite:///{path}")
        assert path.read_bytes() == before

    def test_a_folder_in_place_of_the_file_is_a_clear_message(self, tmp_path):
        with pytest.raises(ConfigurationError, match="cannot be opened"):
            Ledger.open(f"sqlite:///{tmp_path}")

    def test_a_read_only_ledger_is_a_clear_message(self, tmp_path):
        uri = f"sqlite:///file:{tmp_path}/ledger.db"
        Ledger.open(f"{uri}?uri=true").close()
        with (
            Ledger.open(f"{uri}?mode=ro&uri=true") as ledger,
            pytest.raises(ConfigurationError, match="is read-only; give this user the right"),
        ):
            ledger.begin_run(run("run-1"), ttl_seconds=600)

    @pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
    def test_a_folder_without_the_right_to_write_is_a_clear_message(self, tmp_path):
        tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
        with pytest.raises(ConfigurationError, match="cannot be opened"):
            Ledger.open(f"sqlite:///{tmp_path}/ledger.db")

    def test_a_full_disk_stops_the_run_and_keeps_what_was_committed(self, tmp_path):
        with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
            ledger.begin_run(run("run-1"), ttl_seconds=600)
            decide(ledger, "a")
            with ledger._reading() as connection:
                pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
                connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            with pytest.raises(StopError, match="disk is full; make room"):
                decide(ledger, *(f"more {n}" for n in range(1000)))
            assert set(ledger.observed(PAIR, ["sf-a", "sf-more 1"])) == {"sf-a"}

    def test_a_ledger_locked_for_too_long_says_to_run_again(self, tmp_path):
        uri = f"sqlite:///{tmp_path}/ledger.db?timeout=0.05"
        with Ledger.open(uri) as ledger:
            other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(RetryError, match="locked by another process for too long"):
                ledger.begin_run(run("run-1"), ttl_seconds=600)
            other.execute("ROLLBACK")
            other.close()
            ledger.begin_run(run("run-1"), ttl_seconds=600)

    def test_a_damaged_file_names_the_way_back(self, tmp_path):
        path = tmp_path / "ledger.db"
        with Ledger.open(f"sqlite:///{path}") as ledger:
            ledger.begin_run(run("run-1"), ttl_seconds=600)
            decide(ledger, *(str(n) for n in range(200)))
        damage(path)
        with pytest.raises(StopError, match="is damaged; restore a copy"):
            read_all(f"sqlite:///{path}")


class TestServerFaults:
    def test_a_server_that_is_not_there_says_so_without_the_password(self, postgresql_server):
        with pytest.raises(RetryError, match="cannot be reached") as caught:
            Ledger.open("postgresql://someone:hunter2@127.0.0.1:1/ledger")
        assert_quiet(caught.value)
        assert "someone:***@127.0.0.1:1/ledger" in str(caught.value)

    def test_a_missing_database_is_a_setting_to_correct(self, postgresql_server):
        url = postgresql_server.url("nowhere").replace("ledger@", "ledger:hunter2@")
        with pytest.raises(ConfigurationError, match="no such database") as caught:
            Ledger.open(url)
        assert_quiet(caught.value)

    def test_an_unknown_user_is_a_setting_to_correct(self, postgresql_server):
        with pytest.raises(ConfigurationError, match="does not know the user"):
            Ledger.open(postgresql_server.url(user="stranger"))

    def test_a_user_without_rights_is_told_which(self, postgresql_server):
        url = postgresql_server.new_database()
        with Ledger.open(url) as ledger, ledger._writing() as connection:
            connection.exec_driver_sql("CREATE ROLE guest LOGIN")
        with pytest.raises(ConfigurationError, match="grant USAGE and CREATE"):
            Ledger.open(url.replace("ledger@", "guest@"))

    def test_a_connection_that_breaks_ends_the_run_and_the_ledger_lives_on(self, postgresql_server):
        url = postgresql_server.new_database()
        with Ledger.open(url) as ledger, Ledger.open(url) as other:
            ledger.begin_run(run("run-1"), ttl_seconds=600)
            with other._writing() as connection:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            with pytest.raises(RetryError, match="connection broke"):
                decide(ledger, "a")
            decide(ledger, "a")
            assert set(ledger.observed(PAIR, ["sf-a"])) == {"sf-a"}


def assert_quiet(error: ReverseSFError) -> None:
    assert not re.search("hunter2", f"{error} {error!r} {error.__cause__!r}")


def read_all(uri: str) -> None:
    with Ledger.open(uri) as ledger:
        ledger.runs()
        ledger.observed(PAIR, [f"sf-{n}" for n in range(200)])


def damage(path: Path) -> None:
    """Overwrite every page but the first."""
    content = bytearray(path.read_bytes())
    for position in range(8192, len(content), 16):
        content[position : position + 8] = b"\xff" * 8
    path.write_bytes(content)
