"""A local SPOTIO that also lets an Admin make record types and fields, for the SDK's suite.

The suite writes streams of its own, which no tenant has a record type for.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.clock import Clock
from reverse_sf.simulator.control import Control
from reverse_sf.simulator.network import listen, server
from reverse_sf.simulator.spotio import app as spotio_server
from reverse_sf.simulator.spotio.exchange import operation
from reverse_sf.simulator.spotio.tenant import Tenant
from reverse_sf.simulator.spotio.workflow import Field, RecordType, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_sf.simulator.spotio.exchange import Exchange


def create_type(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/workflow/dataObjects``: a type without stages."""
    workflow = exchange.tenant.workflow
    number = max(one.id for one in workflow.types) + 1
    name = exchange.object()["name"]
    workflow._types[number] = RecordType(number, name, has_address=False, fields=(), stages=())
    return {"id": str(number), "name": name}


def create_stage(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/workflow/dataObjects/{id}/stages/active``."""
    workflow = exchange.tenant.workflow
    record_type = workflow.type(int(exchange.path("id")))
    stages = [stage.id for one in workflow.types for stage in one.stages]
    stage = Stage(max(stages) + 1, exchange.object()["name"], "active")
    workflow._types[record_type.id] = replace(record_type, stages=(*record_type.stages, stage))
    return {"id": str(stage.id), "name": stage.name}


def create_field(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/workflow/dataobjects/{id}/fields``."""
    workflow = exchange.tenant.workflow
    record_type = workflow.type(int(exchange.path("id")))
    body = exchange.object()
    number = max(field.id for one in workflow.types for field in one.fields) + 1
    made = Field(number, body["name"], body["type"])
    workflow._types[record_type.id] = replace(record_type, fields=(*record_type.fields, made))
    return {"id": str(number), "name": made.name, "type": made.kind}


@contextlib.contextmanager
def administered() -> Iterator[str]:
    """Run the server in a thread; yields its address."""
    clock = Clock()
    tenant = Tenant(clock, empty=True)
    own = [
        operation(tenant, "POST", "/api/workflow/dataObjects", create_type),
        operation(tenant, "POST", "/api/workflow/dataObjects/{id}/stages/active", create_stage),
        operation(tenant, "POST", "/api/workflow/dataobjects/{id}/fields", create_field),
    ]
    served = spotio_server.routes
    spotio_server.routes = lambda of: [*own, *served(of)]
    try:
        app = spotio_server.build_app(tenant, Control(clock, "spotio"))
    finally:
        spotio_server.routes = served
    with contextlib.closing(listen(0, "SPOTIO")) as listener:
        running = server(app)
        thread = threading.Thread(target=running.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join(10)
