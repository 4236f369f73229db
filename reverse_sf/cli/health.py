"""The sync's health for other programs: metrics as Prometheus reads them, and a call on change."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from reverse_sf.errors import ConfigurationError, RetryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reverse_sf.cli.status import DirectionStatus, PairStatus
    from reverse_sf.ledger.store import Ledger

VERDICTS = ("healthy", "attention", "late", "failing")
_TOLD = "health told"
_SECONDS = 15.0


def metrics(
    verdict: str, directions: Sequence[DirectionStatus], pairs: Sequence[PairStatus]
) -> str:
    """The status in the text format of Prometheus (exposition format 0.0.4).

    Where nobody scrapes, the text file collector of its node exporter takes it.
    """
    return "\n".join(_lines(verdict, directions, pairs)) + "\n"


def _lines(
    verdict: str, directions: Sequence[DirectionStatus], pairs: Sequence[PairStatus]
) -> Iterator[str]:
    yield from _gauge("health", "1 for the verdict that holds.")
    for one in VERDICTS:
        yield f'reverse_sf_health{{verdict="{one}"}} {int(one == verdict)}'
    yield from _gauge("last_run_ok", "Whether the last run of a direction came to its end.")
    for each in directions:
        ok = int(each.last.status == "done")
        yield f'reverse_sf_last_run_ok{{direction="{each.direction.value}"}} {ok}'
    yield from _gauge("lag_seconds", "Seconds since the last good run of a direction began.")
    for each in directions:
        if each.lag_seconds is not None:
            at = each.direction.value
            yield f'reverse_sf_lag_seconds{{direction="{at}"}} {each.lag_seconds}'
    yield from _gauge("calls", "Requests of the last run that wrote something.")
    for each in directions:
        yield f'reverse_sf_calls{{direction="{each.direction.value}"}} {each.calls}'
    for name, words in (
        ("synced", "Linked records of an object mapping."),
        ("observed", "Records that the last run saw."),
        ("written", "Records that the last run created, linked, updated or deleted."),
        ("rejected", "Records that a system refused in the last run."),
        ("parked", "Records and fields that are withheld now."),
        ("conflicts", "Values that the last run overruled."),
    ):
        yield from _gauge(name, words)
        for pair in pairs:
            labels = f'direction="{pair.direction.value}",pair="{_label(pair.pair)}"'
            yield f"reverse_sf_{name}{{{labels}}} {getattr(pair, name)}"


def _gauge(name: str, words: str) -> Iterator[str]:
    yield f"# HELP reverse_sf_{name} {words}"
    yield f"# TYPE reverse_sf_{name} gauge"


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def tell_change(ledger: Ledger, url: str, verdict: str, facts: dict[str, Any]) -> bool:
    """Post to a webhook when the verdict is another one than the last that was told.

    The ledger keeps what was told, so that a monitor that runs every minute tells a change once.
    What could not be told is told by the next call.

    Args:
        ledger: keeps the last verdict that was told.
        url: of the webhook, such as a chat's incoming one; it is never shown, for it may be secret.
        verdict: of now.
        facts: what else the message carries.

    Returns:
        Whether there was something to tell.

    Raises:
        ConfigurationError: it is no address of a webhook, or the webhook refuses the message.
        RetryError: the webhook does not answer.
    """
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise ConfigurationError("alert_url is not the http or https address of a webhook")
    before = ledger.setting(_TOLD)
    if before == verdict or (before is None and verdict == "healthy"):
        return False
    text = f"Reverse SF is {verdict} (before: {before or 'not known'})"
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    message = {"text": text, "verdict": verdict, "before": before, "at": at, **facts}
    try:
        answer = httpx.post(url, json=message, timeout=_SECONDS)
    except httpx.HTTPError as error:
        # The words of the error may hold the address.
        raise RetryError(
            f"the webhook of alert_url does not answer ({type(error).__name__}); the change is told"
            " again by the next call"
        ) from None
    if answer.is_error:
        raise ConfigurationError(
            f"the webhook of alert_url refuses the message with {answer.status_code}: correct the"
            " address"
        )
    ledger.set_setting(_TOLD, verdict)
    return True
