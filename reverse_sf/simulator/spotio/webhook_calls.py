"""Operations on webhooks: ``/api/Webhooks``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from reverse_sf.simulator.spotio.webhooks import SCOPES, SECRET

if TYPE_CHECKING:
    from reverse_sf.simulator.spotio.exchange import Exchange


def scopes(_exchange: Exchange) -> list[str]:
    """``GET /api/Webhooks/scopes``."""
    return list(SCOPES)


def listed(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/Webhooks``: the company's secret and its endpoints."""
    endpoints = exchange.tenant.webhooks.listed()
    return {"secret": SECRET, "endpoints": [endpoint.shape() for endpoint in endpoints]}


def create(exchange: Exchange) -> dict[str, Any]:
    """``POST /api/Webhooks``."""
    return exchange.tenant.webhooks.add(exchange.object()).shape()


def change(exchange: Exchange) -> dict[str, Any]:
    """``PUT /api/Webhooks/{id}``."""
    return exchange.tenant.webhooks.change(exchange.path("id"), exchange.object()).shape()


def delete(exchange: Exchange) -> Response:
    """``DELETE /api/Webhooks/{id}``."""
    exchange.tenant.webhooks.remove(exchange.path("id"))
    return Response(status_code=200)
