"""``reverse-sf conflicts restore`` and ``revert``: values that guarded writes bring back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reverse_sf.cli.rendering import in_words, say, say_json, show
from reverse_sf.cli.settings import open_ledger, sync_file
from reverse_sf.errors import ConfigurationError, UsageError
from reverse_sf.ledger.rows import RESTORED, OperationStatus, Restore
from reverse_sf.mapping.address import ADDRESS_KEY
from reverse_sf.mapping.definition import Direction, Side, SyncRule
from reverse_sf.mapping.values import UNSET
from reverse_sf.sync_file import read_sync_file

if TYPE_CHECKING:
    from reverse_sf.ledger.rehearsals import RunOperation
    from reverse_sf.ledger.rows import Conflict
    from reverse_sf.ledger.store import Ledger
    from reverse_sf.mapping.definition import ObjectMapping, SyncDefinition

_REVERT = """Take back what a run wrote, field by field, where it is still there.

Every value that the run replaced is written back by the next run of that direction, if the system
still holds what the run wrote; a value that somebody has changed since is left alone. What was
written back stands beside the other system's value until that one changes. Of an address the
components that the run wrote are taken back; an owner or a parent goes back to the very user or
record that it was. Records that the run created or deleted stay as they are. The log tells what
became of each value (reverse-sf logs --text "run RUN").

\b
reverse-sf revert 20260506T120000Z-1a2b3c --dry-run

Exit codes: 0 done, 2 no such run, no ledger, or the direction is off.
"""
_RECORDS = frozenset({"owner", "parent"})
"""Keys that name another record: each side has an id of its own for it."""
_HOUSE_NUMBER = "house_number"
_RULERS = {
    SyncRule.SALESFORCE_ONLY: Side.SALESFORCE,
    SyncRule.SALESFORCE_UNLESS_BLANK: Side.SALESFORCE,
    SyncRule.SPOTIO_ONLY: Side.SPOTIO,
    SyncRule.SPOTIO_UNLESS_BLANK: Side.SPOTIO,
}
_OTHER = {Side.SALESFORCE: Side.SPOTIO, Side.SPOTIO: Side.SALESFORCE}
_TOWARD = {Side.SALESFORCE: Direction.TO_SALESFORCE, Side.SPOTIO: Direction.TO_SPOTIO}

sync_file_option = click.option(
    "--sync-file", type=click.Path(path_type=Path), help="The definition.  [default: sync.yml]"
)


def restore_conflict(number: int, ledger: Ledger, definition: SyncDefinition) -> Conflict:
    """Have the losing value of a conflict written to the system whose value won.

    There it is a change like a person's, and travels to the other system by the field's rule. Where
    the rule would take it away again, because the other system rules, it is written where it was
    lost: from there it travels if that system rules, and otherwise stands beside the ruling value.

    Raises:
        UsageError: there is no such conflict, or its key is none that can be restored.
        ConfigurationError: the direction is off.
    """
    found = ledger.conflicts(number=number, limit=1)
    if not found:
        raise UsageError(f"there is no conflict {number}: reverse-sf conflicts lists the numbers")
    (conflict,) = found
    _refuse_key(conflict.key)
    ruler = _ruler(ledger, conflict, definition)
    # What a restore or a revert has replaced goes back to where it was replaced.
    own = conflict.row == RESTORED or ruler is conflict.loser
    side = conflict.loser if own else _OTHER[conflict.loser]
    direction = _TOWARD[side]
    refuse_off(definition, conflict.pair, direction)
    ledger.ask(
        direction,
        [
            Restore(
                link_id=conflict.link_id,
                pair=conflict.pair,
                key=conflict.key,
                value=conflict.losing_value,
                own=own,
                expected=_held(ledger, conflict, side),
                settles=ruler not in {None, side},
                why=f"conflict {number}",
            )
        ],
    )
    return conflict


def _ruler(ledger: Ledger, conflict: Conflict, definition: SyncDefinition) -> Side | None:
    """The side whose value the field's rule carries over whatever the other one holds, if any."""
    mapping = next((one for one in definition.pairs if one.name == conflict.pair), None)
    if mapping is None:
        return None
    whole = {ADDRESS_KEY: mapping.address, "owner": mapping.owner, "parent": mapping.parent}
    # The file may spell SPOTIO's field by its id or role; Salesforce's has one name.
    place = ledger.places(conflict.pair).get(conflict.key)
    fields = (one for one in mapping.fields if one.salesforce == place)
    found = whole[conflict.key] if conflict.key in whole else next(fields, None)
    return _RULERS.get(found.rule) if found else None


def _held(ledger: Ledger, conflict: Conflict, side: Side) -> Any:
    """What a side was last seen to hold."""
    snapshots = ledger.snapshots([conflict.link_id])
    snapshot = snapshots.get(conflict.link_id)
    if snapshot is None:
        raise UsageError("the record of this conflict is not linked any more")
    if side is Side.SPOTIO:
        return (snapshot.spotio_image or {}).get(conflict.key)
    place = ledger.places(conflict.pair).get(conflict.key)
    image = snapshot.salesforce_image or {}
    if isinstance(place, dict):
        return {component: image.get(name) for component, name in place.items()}
    return image.get(str(place))


def _refuse_key(key: str) -> None:
    if not key:
        raise UsageError(
            "a whole record is not restored by itself: undelete it in the system that has deleted"
            " it, or create it by hand"
        )


def refuse_off(definition: SyncDefinition, pair: str, direction: Direction) -> None:
    """Refuse to ask for values of a pair that no run of the direction would write.

    Raises:
        ConfigurationError: the pair is not mapped, or the direction is off.
    """
    mapping: ObjectMapping | None = next(
        (one for one in definition.pairs if one.name == pair), None
    )
    if mapping is None:
        raise ConfigurationError(f"{definition.source} does not map {pair} any more")
    settings = mapping.to_spotio if direction is Direction.TO_SPOTIO else mapping.to_salesforce
    if not settings.enabled:
        raise ConfigurationError(
            f"{pair}: {direction.value} is off in {definition.source}, so nothing would write the"
            " value: set it by hand, or turn the direction on"
        )


@click.command("revert", help=_REVERT)
@click.argument("run_id", metavar="RUN")
@click.option("--dry-run", is_flag=True, help="Show what would be taken back, and ask for nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@sync_file_option
@click.option("--ledger-uri", help="The ledger.  [default: setting ledger_uri]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")
def revert(  # noqa: D103 - the help text above is what a user reads
    *,
    run_id: str,
    dry_run: bool,
    yes: bool,
    sync_file: Path | None,
    ledger_uri: str | None,
    as_json: bool,
) -> None:
    with open_ledger(ledger_uri) as ledger:
        run = next((one for one in ledger.runs(limit=10_000) if one.run_id == run_id), None)
        if run is None:
            raise UsageError(f"the ledger knows no run {run_id}: reverse-sf status names the last")
        wanted, kept = inverse(ledger, run_id, run.direction)
        if not dry_run and wanted:
            definition = read_sync_file(definition_file(sync_file))
            for pair in sorted({one.pair for one in wanted}):
                refuse_off(definition, pair, run.direction)
            if not yes:
                click.confirm(f"Take back {len(wanted)} values?", abort=True, err=True)
            ledger.ask(run.direction, wanted)
    if as_json:
        say_json({"direction": run.direction, "taken_back": wanted, "left": kept})
        return
    _show(wanted, kept, dry_run=dry_run)


def definition_file(given: Path | None) -> Path:
    """Where the definition is."""
    return sync_file(given)


def inverse(ledger: Ledger, run_id: str, direction: Direction) -> tuple[list[Restore], list[str]]:
    """The values that a run replaced, and what of it cannot be taken back."""
    wanted: list[Restore] = []
    kept: list[str] = []
    operations = ledger.operations_of(run_id).values()
    bases = {
        link_id: one.base
        for link_id, one in ledger.snapshots([one.link_id for one in operations]).items()
    }
    for operation in operations:
        if operation.status != OperationStatus.APPLIED.value:
            continue
        if operation.action not in {"update", "link"}:
            kept.append(f"{operation.action} of {operation.pair}")
            continue
        for key, one in operation.decision.items():
            if not key:
                continue
            base = bases.get(operation.link_id, {}).get(key)
            came_out = _came_out(operation, key, base, direction)
            place = ledger.places(operation.pair).get(key)
            taken = _taken_back(key, one, came_out, place, direction)
            if taken is None:
                kept.append(f"{key} of {operation.pair}")
                continue
            old, new = taken
            wanted.append(
                Restore(
                    link_id=operation.link_id,
                    pair=operation.pair,
                    key=key,
                    value=old,
                    expected=new,
                    own=True,
                    settles=True,
                    why=f"run {run_id}",
                )
            )
    return wanted, kept


def _came_out(
    operation: RunOperation, key: str, base: list[Any] | None, direction: Direction
) -> Any:
    """What the system made of a written value, where nothing was settled since; or UNSET."""
    written, source = (0, 1) if direction is Direction.TO_SPOTIO else (1, 0)
    is_still = base is not None and base[source] == operation.source.get(key, UNSET)
    return base[written] if base is not None and is_still else UNSET


def _taken_back(
    key: str, decided: dict[str, Any], came_out: Any, place: Any, direction: Direction
) -> tuple[Any, Any] | None:
    """The value before a write and the one after it, both in the written system's terms.

    None where nobody knows what was there before, or what is there since.
    """
    if "old" not in decided:
        return None
    old, new = decided["old"], decided.get("new")
    if key in _RECORDS and isinstance(new, dict):
        # The decision names the user or record of the source, and the base what it came to.
        return None if came_out is UNSET else (old, came_out)
    if key == ADDRESS_KEY and new is not None:
        places = place if isinstance(place, dict) else {}
        names = places if direction is Direction.TO_SALESFORCE else {one: one for one in places}
        if not isinstance(new, dict):
            return None
        sent = {one: new[name] for one, name in names.items() if name in new}
        after = sent if came_out is UNSET else _cut(came_out, sent, places)
        return (_cut(old, sent, places), after) if sent else None
    return old, new if came_out is UNSET else came_out


def _cut(address: dict[str, Any] | None, sent: dict[str, Any], places: dict[str, str]) -> Any:
    """The components of an address that a run has sent."""
    held = address or {}
    found = {one: held.get(one) for one in sent}
    if "street" in found and _HOUSE_NUMBER not in places and held.get(_HOUSE_NUMBER):
        # SPOTIO keeps it by itself where it belongs to the street's line.
        found[_HOUSE_NUMBER] = held[_HOUSE_NUMBER]
    return found


def _show(wanted: list[Restore], kept: list[str], *, dry_run: bool) -> None:
    if not wanted:
        say("The run replaced no value.")
    else:
        show(
            "Would be taken back" if dry_run else "To be taken back by the next run",
            ("object", "field", "written by the run", "before"),
            ((one.pair, one.key, in_words(one.expected), in_words(one.value)) for one in wanted),
        )
    if kept:
        say(
            f"Left as it is: {len(kept)} (records created or deleted; values of which nobody knows"
            " what was there before, or that have been decided again since)"
        )
