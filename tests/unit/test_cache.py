"""What is kept between runs: found again by the same login alone, and never missed."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest

from reverse_sf import cache as cache_module
from reverse_sf.cache import Cache, folder_of

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "a-very-secret-word"
DESCRIBE = {"name": "Account", "fields": [{"name": "Id"}, {"name": "Straße"}]}


def login(folder: Path | None, *identity: str, secret: str = SECRET, **more: Any) -> Cache:
    return Cache(folder, identity or ("salesforce", "me"), [secret], **more)


def files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000_000.0]
    monkeypatch.setattr(cache_module.time, "time", lambda: now[0])
    return now


def test_what_one_run_keeps_the_next_one_of_the_same_login_finds(tmp_path: Path) -> None:
    login(tmp_path).put("describe", DESCRIBE)
    login(tmp_path).keep_token({"session_id": "s"})
    assert login(tmp_path).get("describe") == DESCRIBE
    assert login(tmp_path).token() == {"session_id": "s"}
    assert login(tmp_path).get("another") is None


def test_another_login_and_another_secret_find_nothing(tmp_path: Path) -> None:
    login(tmp_path).keep_token("the token")
    assert login(tmp_path, "salesforce", "somebody else").token() is None
    assert login(tmp_path, secret="changed").token() is None
    assert Cache(tmp_path, ("salesforce", "me"), [None, ""]).token() is None


def test_a_login_without_secrets_keeps_nothing(tmp_path: Path) -> None:
    cache = Cache(tmp_path, ("salesforce", "me"), [None, ""])
    cache.keep_token("the token")
    assert files(tmp_path) == []


def test_nothing_on_disk_can_be_read_without_the_secret_or_by_others(tmp_path: Path) -> None:
    cache = login(tmp_path)
    cache.keep_token("a-token-that-opens-everything")
    cache.put("describe", DESCRIBE)
    for file in files(tmp_path):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        content = file.read_bytes()
        for word in (b"a-token-that-opens-everything", b"Account", SECRET.encode()):
            assert word not in content
            assert word.decode() not in str(file)


def test_what_was_tampered_with_is_not_there(tmp_path: Path) -> None:
    login(tmp_path).put("one", "first")
    (first,) = files(tmp_path)
    login(tmp_path).put("two", "second")
    (second,) = set(files(tmp_path)) - {first}
    whole = first.read_bytes()
    for content in (b"", whole[:5], whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        first.write_bytes(content)
        assert login(tmp_path).get("one") is None
    second.write_bytes(whole)
    assert login(tmp_path).get("two") is None, "one thing does not pass for another"
    first.write_bytes(whole)
    assert login(tmp_path).get("one") == "first"


def test_facts_grow_old_between_half_a_lifetime_and_a_whole_one_and_tokens_do_not(
    tmp_path: Path, clock: list[float]
) -> None:
    cache = login(tmp_path, lifetime_s=1000)
    names = [f"describe {number}" for number in range(40)]
    for name in names:
        cache.put(name, name)
    cache.keep_token("t")
    clock[0] += 499
    assert all(cache.get(name) for name in names)
    clock[0] += 251
    known = sum(cache.get(name) is not None for name in names)
    assert 0 < known < len(names), "they are not all asked for in one run"
    clock[0] += 251
    assert not any(cache.get(name) for name in names)
    clock[0] += 10_000_000
    assert cache.token() == "t"


def test_facts_from_the_future_and_a_lifetime_of_nothing_are_not_believed(
    tmp_path: Path, clock: list[float]
) -> None:
    login(tmp_path).put("one", 1)
    assert login(tmp_path, lifetime_s=0).get("one") is None
    clock[0] -= 10
    assert login(tmp_path).get("one") is None


def test_a_fresh_look_finds_nothing_and_leaves_what_it_learned(tmp_path: Path) -> None:
    login(tmp_path).put("one", "old")
    login(tmp_path).keep_token("old")
    fresh = login(tmp_path, fresh=True)
    assert fresh.get("one") is None
    assert fresh.token() is None
    fresh.put("one", "new")
    assert login(tmp_path).get("one") == "new"


def test_dropping_forgets_facts_and_only_by_name_the_login(tmp_path: Path) -> None:
    cache = login(tmp_path)
    cache.keep_token("t")
    for name in ("one", "two", "three"):
        cache.put(name, name)
    cache.drop("one")
    assert [cache.get(name) for name in ("one", "two")] == [None, "two"]
    cache.drop()
    assert [cache.get(name) for name in ("two", "three")] == [None, None]
    assert cache.token() == "t"
    cache.drop_token()
    assert cache.token() is None
    cache.drop_token()


def test_a_folder_that_cannot_be_used_fails_nothing(tmp_path: Path) -> None:
    file = tmp_path / "in the way"
    file.write_text("")
    cache = login(file)
    cache.keep_token("t")
    cache.drop()
    assert cache.token() is None
    assert login(None).get("one") is None


def test_nothing_is_kept_outside_of_a_meltano_project_unless_a_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
    assert folder_of(None) is None
    assert folder_of(str(tmp_path)) == tmp_path
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    monkeypatch.setenv("MELTANO_ENVIRONMENT", "../odd name")
    assert folder_of("off") is None
    kept = tmp_path / ".meltano" / "reverse-sf" / "cache" / "___odd_name"
    assert folder_of(None) == kept
