"""Webhooks of the local SPOTIO: what a receiver on this machine gets, and when."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import threading
import time

import pytest

from reverse_sf.simulator.errors import ControlError
from tests.contract.spotio_server_fixtures import ACCOUNTS, COMPANY, CONTACTS, LEADS, api, contract

__all__ = ["api", "contract"]

EVERY = ["lead.added", "lead.updated", "lead.deleted"]


class Receiver:
    """A webhook consumer; ``statuses`` are its next answers, then 200."""

    def __init__(self):
        self.got, self.statuses, self.pause = [], [], 0.0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                time.sleep(outer.pause)
                self.send_response(outer.statuses.pop(0) if outer.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Stay quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def types(self):
        return [[e["type"] for e in json.loads(body)["payload"]] for _, body in self.got]

    @property
    def names(self):
        """The company that each delivery names first."""
        events = [json.loads(body)["payload"][0] for _, body in self.got]
        return [event["data"]["fields"][0]["values"][0] for event in events]


@pytest.fixture(name="receiver")
def receiver_fixture(api):
    receiver = Receiver()
    api.switch(webhook_retry_s=0.01)
    yield receiver
    api.tenant.webhooks.clear()
    receiver.server.shutdown()
    receiver.server.server_close()


def subscribe(api, receiver, *scopes, **more):
    body = {"callback": receiver.url, "scopes": list(scopes or EVERY), **more}
    answer = api.post("/api/Webhooks", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def settled(api):
    """The control call's answer once nothing waits any more."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        told = api.tenant.further["webhooks"](None)
        if not any(told["waiting"].values()):
            return told
        time.sleep(0.01)
    raise AssertionError(told)


def company(api, name):
    return api.create(ACCOUNTS, fields={COMPANY: name})["id"]


def test_an_event_is_signed_and_enveloped_and_carries_the_custom_headers(api, receiver):
    subscribe(api, receiver, customHeaders=[{"name": "X-Mine", "value": "7"}])
    made = company(api, "Acme")
    settled(api)
    ((headers, body),) = receiver.got
    secret = api.get("/api/Webhooks").json()["secret"]
    assert headers["X-Signature"] == hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Mine"] == "7"
    (event,) = json.loads(body)["payload"]
    assert set(event) == {"data", "type", "date"}
    assert (event["type"], event["data"]["objectId"]) == ("lead.added", made)
    assert {"id": COMPANY, "title": "Company", "values": ["Acme"]} in event["data"]["fields"]


def test_changes_and_deletions_are_told_to_those_who_asked(api, receiver):
    subscribe(api, receiver, "lead.updated", "lead.deleted")
    made = company(api, "Acme")
    api.tenant.edit({"object": "Accounts", "id": made, "set": {"Company": "Acme 2"}})
    api.call("DELETE", f"/api/DataObjects/{made}", json={"mode": "delete"})
    settled(api)
    assert receiver.types == [["lead.updated"], ["lead.deleted"]]


def test_an_activity_is_created_and_done_later(api, receiver):
    lead = api.create(LEADS)["id"]
    subscribe(api, receiver, "activity.created", "activity.updated", "activity.done")
    body = {"dataObjectId": lead, "activityTemplateId": "1", "done": False}
    made = api.post("/api/v2/activities", json=body).json()["id"]
    kind = {"Content-Type": "application/merge-patch+json"}
    api.call("PATCH", f"/api/v2/activities/{made}", content='{"done": true}', headers=kind)
    settled(api)
    assert receiver.types == [["activity.created"], ["activity.updated"], ["activity.done"]]
    data = json.loads(receiver.got[-1][1])["payload"][0]["data"]
    assert (data["id"], data["dataObject"]["objectId"]) == (made, lead)


@pytest.mark.parametrize(
    ("statuses", "calls"), [([500], 2), ([500, 404, 204], 4), ([500, 500, 500, 500, 500], 4)]
)
def test_whatever_is_not_200_is_retried_three_times_at_most(api, receiver, statuses, calls):
    receiver.statuses = list(statuses)
    subscribe(api, receiver)
    company(api, "Acme")
    attempts = settled(api)["attempts"]
    assert len(receiver.got) == calls
    assert [each["attempt"] for each in attempts] == list(range(1, calls + 1))
    assert [each["status"] for each in attempts] == [*statuses, 200][:calls]
    assert len({body for _, body in receiver.got}) == 1


def test_a_slow_answer_counts_as_none(api, receiver):
    receiver.pause = 0.3
    api.switch(webhook_timeout_s=0.05)
    subscribe(api, receiver)
    company(api, "Acme")
    errors = [each.get("error") for each in settled(api)["attempts"]]
    assert errors == ["ReadTimeout"] * 4


@pytest.mark.parametrize(("setting", "told"), [("told", 1), ("silent", 0)])
def test_child_types(api, receiver, setting, told):
    api.switch(webhook_children=setting)
    parent = company(api, "Acme")
    subscribe(api, receiver)
    api.create(CONTACTS, parentId=parent)
    settled(api)
    assert len(receiver.got) == told


@pytest.mark.parametrize(
    ("mixed", "types"),
    [
        (True, [["lead.updated", "lead.added"], ["lead.added"]]),
        (False, [["lead.updated"], ["lead.added", "lead.added"]]),
    ],
)
def test_waiting_events_go_out_together(api, receiver, mixed, types):
    api.switch(webhook_batch=2, webhook_mixed=mixed)
    subscribe(api, receiver)
    # The reordering holds the three back until all are there.
    api.tenant.further["webhooks"]({"reorder": 3})
    company(api, "Later")
    made = company(api, "Acme")
    api.tenant.edit({"object": "Accounts", "id": made, "set": {"Company": "Acme 2"}})
    settled(api)
    assert receiver.types == types


def test_duplicates_and_disorder_on_demand(api, receiver):
    subscribe(api, receiver)
    api.tenant.further["webhooks"]({"reorder": 3, "duplicate": 1})
    for name in ("a", "b", "c", "d"):
        company(api, name)
    settled(api)
    assert receiver.names == ["c", "c", "b", "a", "d"]
    with pytest.raises(ControlError, match="reorder"):
        api.tenant.further["webhooks"]({"redorder": 1})


def test_nobody_works_without_an_active_endpoint(api, receiver):
    def workers():
        return [each for each in threading.enumerate() if each.name.startswith("webhook-")]

    def gone():
        deadline = time.monotonic() + 5
        while workers() and time.monotonic() < deadline:
            time.sleep(0.01)
        return not workers()

    assert gone()
    made = subscribe(api, receiver)
    assert len(workers()) == 1
    api.call("PUT", f"/api/Webhooks/{made}", json={"active": False})
    assert gone()
    company(api, "Unheard")
    api.call("PUT", f"/api/Webhooks/{made}", json={"active": True})
    company(api, "Heard")
    settled(api)
    assert receiver.names == ["Heard"]
    api.call("DELETE", f"/api/Webhooks/{made}")
    assert gone()


def test_a_reset_drops_endpoints_attempts_and_what_waits(api, receiver):
    subscribe(api, receiver)
    api.tenant.further["webhooks"]({"reorder": 5})
    company(api, "Acme")
    assert list(api.tenant.further["webhooks"](None)["waiting"].values()) == [1]
    api.tenant.reset()
    assert api.tenant.further["webhooks"](None) == {"waiting": {}, "attempts": []}
    assert api.get("/api/Webhooks").json()["endpoints"] == []
    assert receiver.got == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"callback": "http://example.com/"},
        {"callback": "http://127.0.0.1.example.com/"},
        {"callback": "ftp://127.0.0.1/"},
        {"callback": None},
        {"scopes": ["lead.moved"]},
        {"customHeaders": [{"value": "1"}]},
    ],
)
def test_a_wrong_endpoint_is_refused_and_not_kept(api, receiver, wrong):
    body = {"callback": receiver.url, "scopes": EVERY, **wrong}
    assert api.post("/api/Webhooks", json=body).status_code == 422
    assert api.get("/api/Webhooks").json()["endpoints"] == []


def test_appointments_and_deleted_activities_are_told(api, receiver):
    record = api.create(LEADS)["id"]
    scopes = [f"appointment.{verb}" for verb in ("created", "updated", "deleted")]
    subscribe(api, receiver, *scopes, "activity.deleted")
    body = {"dataObjectId": record, "date": "2026-06-01T10:00:00Z", "allDay": False}
    made = api.post("/api/v2/appointments", json=body).json()
    api.call("PATCH", f"/api/v2/appointments/{made['id']}", json={"title": "Later"})
    api.tenant.edit({"object": "appointments", "id": made["id"], "delete": True})
    settled(api)
    expected = [*scopes, "activity.deleted"]
    assert [kind for kinds in receiver.types for kind in kinds] == expected
    events = [json.loads(content)["payload"][0]["data"] for _, content in receiver.got]
    assert {event["dataObject"]["objectId"] for event in events} == {record}
    assert [event["id"] for event in events] == [made["id"]] * 3 + [made["activityId"]]
    assert events[1]["title"] == "Later"
