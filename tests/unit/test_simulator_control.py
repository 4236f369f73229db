"""The control calls of the local servers, over a service that only counts."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reverse_sf.simulator.clock import Clock
from reverse_sf.simulator.control import Control
from reverse_sf.simulator.errors import ControlError, StartError
from reverse_sf.simulator.network import listen, server
from reverse_sf.simulator.switches import Switch, Switches


class Counter:
    """A service with one number, seen through the control calls."""

    def __init__(self):
        self.count = 0
        self._switches = Switches([Switch("step", 1, "added by each request")])

    @property
    def switches(self):
        return self._switches.settings()

    def set_switches(self, changes):
        self._switches.set(changes)

    def rows(self, object_name):
        if object_name != "count":
            raise ControlError(f"there is no {object_name}")
        return [{"count": self.count}]

    def edit(self, body):
        self.count = body["count"]
        return {"count": self.count}

    def reset(self):
        self.count = 0
        self._switches.reset()

    @property
    def further(self):
        return {"double": self._double}

    def _double(self, body):
        if body is not None:
            self.count *= body["by"]
        return {"count": self.count}


@contextmanager
def served(app):
    listener = listen(0, "test")
    port = listener.getsockname()[1]
    one = server(app)
    thread = threading.Thread(target=asyncio.run, args=(one.serve(sockets=[listener]),))
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            assert client.get("/_simulator/health").json()["ready"] is True
            yield client
    finally:
        one.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def counter():
    return Counter()


@pytest.fixture(scope="module")
def running_client(counter):
    control = Control(
        Clock(), "counter", error=lambda status: [{"errorCode": f"CODE_{status}", "message": "no"}]
    )

    async def add(request):
        await request.body()
        counter.count += counter.switches["step"]
        request.scope["state"]["records"] = 7
        return JSONResponse({"count": counter.count, "filler": "x" * 2000})

    async def token(request):
        return Response("ok")

    app = Starlette(
        routes=[
            *control.routes(counter),
            Route("/add", add, methods=["GET", "POST"]),
            Route("/token", token, methods=["POST"]),
        ]
    )
    with served(control.middleware(app)) as client:
        yield client


@pytest.fixture
def client(running_client):
    running_client.post("/_simulator/reset").raise_for_status()
    return running_client


def test_every_api_request_is_logged_with_its_number_and_no_control_call_is(client):
    client.post("/add?x=1", json={"a": 1}, headers={"User-Agent": "me"})
    client.get("/add", headers={"Sforce-Call-Options": "client=Syncer/1.0, defaultNamespace=x"})
    first, second = client.get("/_simulator/requests").json()["requests"]
    assert first["number"] == 1
    assert (first["method"], first["path"], first["query"]) == ("POST", "/add", {"x": "1"})
    assert (first["status"], first["records"], first["client"]) == (200, 7, "me")
    assert first["body"] == {"a": 1}
    assert second["client"] == "Syncer/1.0"
    assert client.get("/_simulator/requests?since=1").json()["requests"] == [second]


def test_a_secret_is_never_logged(client):
    client.post(
        "/token?access_token=hush-1&client_secret=hush-2&password=hush-3",
        data={"client_secret": "hush-4"},
        headers={"Authorization": "Bearer hush-5"},
    )
    assert "hush" not in client.get("/_simulator/requests").text


def test_an_injected_status_answers_in_the_services_own_shape_and_does_not_run_it(client, counter):
    client.post("/_simulator/faults", json={"match": {"path": "/add"}, "then": {"status": 503}})
    answer = client.post("/add")
    assert answer.status_code == 503
    assert answer.json() == [{"errorCode": "CODE_503", "message": "no"}]
    assert counter.count == 0


def test_an_applied_fault_runs_the_service_and_throws_its_answer_away(client, counter):
    then = {"status": 504, "applied": True, "body": {"my": "body"}, "headers": {"X-A": "b"}}
    client.post("/_simulator/faults", json={"match": {}, "then": then})
    answer = client.post("/add")
    assert (answer.status_code, answer.json(), answer.headers["x-a"]) == (504, {"my": "body"}, "b")
    assert counter.count == 1


@pytest.mark.parametrize(("drop", "ran"), [("before", 0), ("after", 1)])
def test_a_drop_breaks_the_connection_without_a_byte(client, counter, drop, ran):
    client.post("/_simulator/faults", json={"match": {"nth": 1}, "then": {"drop": drop}})
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.post("/add", json={})
    assert counter.count == ran
    entry = client.get("/_simulator/requests").json()["requests"][0]
    assert entry["status"] is None
    assert entry["fault"] == f"drop {drop}"
    assert client.post("/add").status_code == 200


def test_a_drop_during_the_body_leaves_half_of_it(client, counter):
    client.post("/_simulator/faults", json={"match": {"nth": 1}, "then": {"drop": "during"}})
    with client.stream("POST", "/add") as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()
    assert counter.count == 1


@pytest.mark.parametrize(
    ("match", "times", "hit"),
    [
        ({}, None, [1, 2, 3, 4, 5, 6]),
        ({"nth": 3}, None, [3]),
        ({"nth": 3}, 2, [3, 4]),
        ({"every": 2}, None, [2, 4, 6]),
        ({"every": 2}, 1, [2]),
        ({}, 2, [1, 2]),
        ({"method": "GET"}, None, []),
        ({"path": "/other"}, None, []),
        ({"path": "q=a b"}, None, [1, 2, 3, 4, 5, 6]),
        ({"path": "q=a%20b"}, None, [1, 2, 3, 4, 5, 6]),
        ({"path": r"^/ad+\?q"}, None, [1, 2, 3, 4, 5, 6]),
        ({"path": "("}, None, []),
    ],
)
def test_a_fault_hits_the_requests_that_it_names(client, match, times, hit):
    then = {"status": 500} | ({"times": times} if times else {})
    client.post("/_simulator/faults", json={"match": match, "then": then}).raise_for_status()
    statuses = [client.post("/add?q=a%20b").status_code for _ in range(6)]
    assert [n for n, status in enumerate(statuses, 1) if status == 500] == hit


def test_faults_can_be_counted_and_cleared(client):
    client.post("/_simulator/faults", json={"match": {"every": 2}, "then": {"status": 500}})
    for _ in range(3):
        client.post("/add")
    (fault,) = client.get("/_simulator/faults").json()["faults"]
    assert (fault["seen"], fault["hits"]) == (3, 1)
    assert client.delete("/_simulator/faults").json() == {"faults": []}


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("faults", {"match": {"pth": 1}, "then": {"status": 500}}, "pth"),
        ("faults", {"match": {}, "then": {"satus": 500}}, "satus"),
        ("faults", {"match": {}, "then": {"drop": "sometimes"}}, "sometimes"),
        ("faults", {"match": {"nth": 0}, "then": {"status": 500}}, "nth"),
        ("faults", {"match": {}, "then": {}}, "then"),
        ("clock", {"sett": "2026-01-01"}, "sett"),
        ("clock", {"set": "yesterday"}, "yesterday"),
        ("switches", {"stp": 2}, "stp"),
        ("switches", {"step": "two"}, "two"),
    ],
)
def test_a_control_call_that_is_not_understood_names_what_it_stumbled_on(client, path, body, named):
    answer = client.post(f"/_simulator/{path}", json=body)
    assert answer.status_code == 400
    assert named in answer.json()["error"]


def test_switches_records_edits_and_reset_reach_the_service(client):
    client.post("/_simulator/switches", json={"step": 5}).raise_for_status()
    client.post("/add")
    assert client.get("/_simulator/records/count").json() == [{"count": 5}]
    assert client.get("/_simulator/records/other").status_code == 400
    client.post("/_simulator/edit", json={"count": 9})
    assert client.get("/_simulator/records/count").json() == [{"count": 9}]
    client.post("/_simulator/reset")
    assert client.get("/_simulator/records/count").json() == [{"count": 0}]
    assert client.get("/_simulator/switches").json() == {"switches": {"step": 1}}
    assert client.get("/_simulator/requests").json() == {"last": 0, "requests": []}


def test_the_clock_is_set_frozen_advanced_and_reset():
    clock = Clock()
    clock.freeze(frozen=True)
    clock.set("2026-01-01T00:00:00Z")
    clock.advance(61.5)
    assert clock.now().isoformat() == "2026-01-01T00:01:01.500000+00:00"
    with clock.shifted(-60):
        assert clock.now().isoformat() == "2026-01-01T00:00:01.500000+00:00"
    clock.freeze(frozen=False)
    assert clock.now().year == 2026
    before = Clock().now()
    clock.reset()
    assert before <= clock.now()
    assert not clock.frozen


def test_a_port_that_is_taken_is_refused_with_what_to_do():
    listener = listen(0, "first")
    try:
        with pytest.raises(StartError, match="choose another port"):
            listen(listener.getsockname()[1], "second")
    finally:
        listener.close()


def test_a_service_may_have_control_calls_of_its_own(client):
    client.post("/_simulator/edit", json={"count": 3})
    assert client.get("/_simulator/double").json() == {"count": 3}
    assert client.post("/_simulator/double", json={"by": 4}).json() == {"count": 12}
    assert client.post("/_simulator/double", content="[]").status_code == 400
