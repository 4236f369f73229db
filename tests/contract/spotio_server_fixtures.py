"""The local SPOTIO in this process, and the check of its answers against SPOTIO's own contract."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime, timezone
from urllib.parse import unquote

import httpx
import jsonschema
import pytest

from reverse_sf.simulator.clock import Clock
from reverse_sf.simulator.control import Control
from reverse_sf.simulator.spotio.app import build_app, error_body, routes
from reverse_sf.simulator.spotio.tenant import Tenant

START = datetime(2026, 5, 6, 12, 0, tzinfo=timezone.utc)
ACCOUNTS, CONTACTS, LEADS, OPPORTUNITIES = 1, 2, 3, 4
LAST_NAME, COMPANY, PHONE, EMAIL, DEAL_NAME = 100003, 100004, 100005, 100006, 21
PRODUCTS, INTERESTS, SINCE, AUDIT, EMPLOYEES = 6, 19, 7, 8, 5

UNDECLARED = {
    400: "malformed requests and bad cursors (guide, Status Codes; spotio_api.md 1.6)",
    415: "a wrong content type (spotio_api.md 1.2, 1.6)",
    422: "validation, as the guide says where the file declares only 400 (spotio_api.md 1.6)",
    403: "the rights of the key's user (spotio_api.md 1.6)",
    404: "unknown ids (spotio_api.md 1.6)",
}
"""Statuses that an operation may answer although the OpenAPI file does not declare them there.
Their bodies are the error envelope all the same."""
_INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?[+-]\d\d:\d\d$")


class Api:
    """A synchronous client of the application in this process."""

    def __init__(self, **options):
        self.clock = Clock(START, frozen=True)
        self.tenant = Tenant(self.clock, **{"records": 60, **options})
        self.app = build_app(self.tenant, Control(self.clock, "spotio", error=error_body))
        self.served = {(next(iter(r.methods - {"HEAD"})), r.path) for r in routes(self.tenant)}
        self.headers = {}
        self.answers = []

    def login(self, client="demo-client", secret="demo-secret"):
        answer = self.post("/api/users/apitoken", json={"clientId": client, "secret": secret})
        assert answer.status_code == 200, answer.text
        self.headers["Authorization"] = f"Bearer {answer.json()['accessToken']}"
        return self

    def call(self, method, path, **options):
        async def run():
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://spotio") as client:
                headers = {**self.headers, **options.pop("headers", {})}
                return await client.request(method, path, headers=headers, **options)

        answer = asyncio.run(run())
        self.answers.append(answer)
        return answer

    def get(self, path, **query):
        return self.call("GET", path, params=query)

    def post(self, path, **options):
        return self.call("POST", path, **options)

    def patch(self, record_id, *operations, **query):
        path = f"/api/DataObjects/{record_id}/jsonp"
        return self.call("PATCH", path, json=list(operations), params=query)

    def switch(self, **changes):
        self.tenant.set_switches(changes)

    def create(self, type_id=LEADS, *, fields=None, **more):
        """A new record's JSON; it is called Smith unless told."""
        name = {ACCOUNTS: COMPANY, OPPORTUNITIES: DEAL_NAME}.get(int(type_id), LAST_NAME)
        entries = [
            {"fieldId": str(key), "values" if isinstance(value, list) else "value": value}
            for key, value in {name: "Smith", **(fields or {})}.items()
        ]
        body = {"dataObject": {"typeId": type_id, "fields": entries, **more}}
        answer = self.post("/api/DataObjects", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def read(self, record_id):
        return self.get(f"/api/DataObjects/{record_id}").json()

    def values(self, record_id):
        """Field id to value, or list of values, as the service shows them."""
        return {
            int(entry["fieldId"]): entry["value"] if entry["values"] is None else entry["values"]
            for entry in self.read(record_id)["fields"]
        }

    def feed(self, **query):
        """All items of the export feed."""
        return self.pages("/api/Exports/dataObjects/data", "items", **query)

    def pages(self, path, key, **query):
        found, cursor = [], None
        while True:
            page = self.get(path, **query, **({"scrollId": cursor} if cursor else {})).json()
            found += page[key]
            following = page.get("scrollId")
            if not following or not page[key] or following == cursor:
                return found
            cursor = following

    def job(self, operation, type_id, *files, polls=3):
        """Run a bulk job to its end: progress, succeeded lines, failed lines."""
        body = {"operation": operation, "dataObjectTypeId": type_id}
        job = self.post("/api/jobs/dataObjects/bulk", json=body).json()["id"]
        base = f"/api/jobs/dataObjects/bulk/{job}"
        for lines in files:
            content = "\n".join(json.dumps(line) for line in lines)
            kind = {"Content-Type": "application/x-ndjson"}
            assert self.call("PUT", f"{base}/data", content=content, headers=kind).is_success
        assert self.post(f"{base}/start").is_success
        for _ in range(polls):
            progress = self.get(f"{base}/progress").json()
        return progress, *(
            [json.loads(line) for line in self.get(f"{base}/results/{kind}").text.splitlines()]
            for kind in ("succeeded", "failed")
        )


@pytest.fixture
def api():
    """A logged-in administrator of a small demo tenant; the clock stands still."""
    return Api().login()


class Contract:
    """SPOTIO's OpenAPI file as a judge of answers.

    Documented deviations: enumerations are camelCase on the wire (spotio_api.md 1.3), and the
    statuses of :data:`UNDECLARED`.
    """

    def __init__(self, path):
        document = json.loads(path.read_text(encoding="utf-8"))
        self._schemas = {
            name: _json_schema(schema) for name, schema in document["components"]["schemas"].items()
        }
        self._operations = {}
        for template, operations in document["paths"].items():
            for method, operation in operations.items():
                self._operations[(method.upper(), template)] = operation

    def operation(self, method, path):
        """The template and operation that a path belongs to; literal paths before templates."""
        fitting = [
            (template.count("{"), template)
            for verb, template in self._operations
            if verb == method and _pattern(template).fullmatch(path)
        ]
        assert fitting, f"{method} {path} is not in the contract"
        template = min(fitting)[1]
        return template, self._operations[(method, template)]

    def check(self, answer):
        """Fail unless the answer is one that the contract allows; its operation."""
        method, path = answer.request.method, unquote(answer.request.url.path)
        template, operation = self.operation(method, path)
        declared = operation["responses"].get(str(answer.status_code))
        if declared is None:
            assert answer.status_code in UNDECLARED, f"{method} {template}: {answer.status_code}"
            assert not answer.content or set(answer.json()) == {"errors"}
            return method, template
        schemas = [
            content["schema"]
            for kind, content in declared.get("content", {}).items()
            if kind == "application/json"
        ]
        if schemas and answer.content:
            self.validate(schemas[0], answer.json())
        return method, template

    def validate(self, schema, body):
        root = {**_json_schema(schema), "components": {"schemas": self._schemas}}
        checker = jsonschema.FormatChecker(formats=())
        checker.checks("date-time")(lambda text: not isinstance(text, str) or _INSTANT.match(text))
        jsonschema.Draft202012Validator(root, format_checker=checker).validate(body)


def _pattern(template):
    parts = re.split(r"\{[^}]+\}", template)
    return re.compile("[^/]+".join(re.escape(part) for part in parts), re.IGNORECASE)


def _json_schema(node):
    """An OpenAPI 3.0 schema as JSON Schema: nullable, and enumerations in both cases."""
    if isinstance(node, list):
        return [_json_schema(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    made = {key: _json_schema(entry) for key, entry in node.items() if key != "nullable"}
    if isinstance(node.get("enum"), list):
        made["enum"] = [
            form
            for name in node["enum"]
            for form in ((name, name[:1].lower() + name[1:]) if name else (name,))
        ]
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        made["type"] = [node["type"], "null"]
    return made


@pytest.fixture(scope="session")
def contract(shared):
    return Contract(shared / "data" / "spotio_openapi.json")
