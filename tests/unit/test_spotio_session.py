"""The conversation with SPOTIO: tokens, retries, refusals."""

from __future__ import annotations

import base64
import json
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reverse_sf.errors import AccessError, LoginError, RetryError
from reverse_sf.spotio.client import Spotio, User
from reverse_sf.spotio.errors import AmbiguousOutcomeError, NotFoundError, WriteRefusedError
from reverse_sf.spotio.paging import pages
from reverse_sf.spotio.session import Credentials, Session

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "a-very-secret-word"


def talk(answer: Callable[[httpx.Request], httpx.Response], **more: Any) -> Session:
    """A session whose service is a function; tokens are numbered."""
    minted = iter(range(1, 100))

    def served(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/users/apitoken":
            return httpx.Response(200, json={"accessToken": f"token-{next(minted)}"})
        return answer(request)

    transport = httpx.MockTransport(served)
    return Session(Credentials("id", SECRET), transport=transport, sleep=lambda _: None, **more)


def test_another_content_type_is_tried_where_the_first_is_refused() -> None:
    kinds = []

    def served(request: httpx.Request) -> httpx.Response:
        kinds.append(request.headers["content-type"])
        if "merge-patch" not in kinds[-1]:
            return httpx.Response(415)
        return httpx.Response(
            200, text='{"accessToken": "t"}', headers={"content-type": "text/plain"}
        )

    session = Session(Credentials("id", SECRET), transport=httpx.MockTransport(served))
    assert session.token() == "t"
    assert kinds == ["application/json", "application/merge-patch+json"]
    session.close()


@pytest.mark.parametrize("status", [400, 401, 404])
def test_bad_credentials_are_a_login_error_that_hides_the_secret(status: int) -> None:
    body = {"errors": {"_": f"ClientId and Secret do not exist: {SECRET}"}}
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
    session = Session(Credentials("id", SECRET), transport=transport)
    with pytest.raises(LoginError, match="do not exist") as caught:
        session.token()
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(Credentials("id", SECRET))
    session.close()


def test_an_expired_token_is_renewed_once_however_many_threads_see_it() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(401 if seen[-1] == "Bearer token-1" else 200, json=[])

    session = talk(answer)
    threads = [threading.Thread(target=session.get, args=("/api/users",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {"Bearer token-1", "Bearer token-2"}
    session.close()


def test_a_token_refused_twice_is_a_login_error() -> None:
    session = talk(lambda _: httpx.Response(401))
    with pytest.raises(LoginError, match="suspended"):
        session.get("/api/users")
    session.close()


@pytest.mark.parametrize("trouble", [429, 500, 503, "drop", "html"])
def test_reading_is_repeated_until_it_is_answered(trouble: Any) -> None:
    calls = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        if len(calls) > 2:
            return httpx.Response(200, json=["fine"])
        if trouble == "drop":
            raise httpx.RemoteProtocolError("gone")
        if trouble == "html":
            return httpx.Response(200, html="<html>checking your browser</html>")
        return httpx.Response(trouble)

    session = talk(answer)
    assert session.get("/api/users").body == ["fine"]
    session.close()


@pytest.mark.parametrize("trouble", [500, 503, "drop", "timeout"])
def test_a_write_without_an_answer_is_not_repeated(trouble: Any) -> None:
    calls = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        if trouble == "drop":
            raise httpx.RemoteProtocolError("gone")
        if trouble == "timeout":
            raise httpx.ReadTimeout("late")
        return httpx.Response(trouble)

    session = talk(answer)
    with pytest.raises(AmbiguousOutcomeError):
        Spotio(session).create({"typeId": 1})
    assert len(calls) == 1
    session.close()


@pytest.mark.parametrize("trouble", [429, "refused connection"])
def test_a_write_that_was_never_carried_out_is_repeated(trouble: Any) -> None:
    calls = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        if len(calls) > 1:
            return httpx.Response(200, json={"id": "a", "typeId": "1"})
        if trouble == 429:
            return httpx.Response(429, headers={"retry-after": "1"})
        raise httpx.ConnectError("nobody there")

    session = talk(answer)
    assert Spotio(session).create({"typeId": 1}).record.id == "a"
    session.close()


def test_retries_end_with_what_went_wrong() -> None:
    session = talk(lambda _: httpx.Response(503), attempts=3)
    with pytest.raises(RetryError, match="3 attempts: status 503"):
        session.get("/api/users")
    session.close()


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"errors": {"stageId": "Stage with id: 3 does not exist."}}, ("stageId",)),
        ({"errors": {"_": "Cannot do it", "20": ["is too long", "is bad"]}}, ("20",)),
        ({"message": "no", "memberName": "x"}, ()),
        ("plain words", ()),
    ],
)
def test_both_validation_statuses_name_the_fields(
    status: int, body: Any, fields: tuple[str, ...]
) -> None:
    session = talk(lambda _: httpx.Response(status, json=body))
    with pytest.raises(WriteRefusedError) as caught:
        Spotio(session).create({"typeId": 1})
    assert caught.value.fields == fields
    assert str(caught.value)
    session.close()


def test_the_other_refusals_have_their_own_errors() -> None:
    for status, error in ((403, AccessError), (404, NotFoundError)):
        session = talk(
            lambda _, status=status: httpx.Response(status, json={"errors": {"_": "no"}})
        )
        with pytest.raises(error):
            session.get("/api/DataObjects/x")
        session.close()


@pytest.mark.parametrize("end", [{"scrollId": None}, {}, {"scrollId": "2"}, {"scrollId": ""}])
def test_paging_stops_at_every_kind_of_end(end: dict[str, Any]) -> None:
    answers = iter(
        [{"items": [1], "scrollId": "1"}, {"items": [2], "scrollId": "2"}, {"items": [3], **end}]
    )
    assert [row for page in pages(lambda _: next(answers)) for row in page] == [1, 2, 3]


def test_paging_stops_at_an_empty_page() -> None:
    answers = iter([{"items": [1], "scrollId": "1"}, {"items": [], "scrollId": "2"}])
    assert list(pages(lambda _: next(answers))) == [[1]]


def jwt(claims: dict[str, Any]) -> str:
    """A token with these claims and no signature."""
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{part}.x"


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "7"},
        {"UserId": 7},
        {"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier": "x", "userId": 7},
        {"email": "Rep@Example.com"},
    ],
)
def test_a_key_that_is_no_admins_is_refused(claims: dict[str, Any]) -> None:
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, json={"accessToken": jwt(claims)})
    )
    session = Session(Credentials("id", SECRET), transport=transport)
    spotio = Spotio(session)
    rep = User(id="7", email="rep@example.com", role="Sales")
    with pytest.raises(AccessError, match=r"rep@example\.com, whose role is Sales"):
        spotio.check_key([rep])
    with pytest.raises(AccessError, match="read-only"):
        spotio.check_key([User(id="7", email="rep@example.com", role="admin", read_only=True)])
    spotio.check_key([User(id="7", email="rep@example.com", role="Admin")])
    session.close()
