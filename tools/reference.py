"""The reference pages of the documentation, written from the code when the documentation is built.

MkDocs calls :func:`on_files` (``hooks:`` in mkdocs.yml): settings come from the plugins,
``sync.yml`` from its JSON Schema, commands from the command line itself, errors and exit codes
from the error tree. So no reference page can be older than the code.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from reverse_sf import errors  # noqa: E402 - the project's root comes first
from reverse_sf.cli.main import cli  # noqa: E402
from reverse_sf.mapping.document import schema_text  # noqa: E402
from tools.plugin_definitions import PLUGINS, settings_of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

WHAT_TO_DO = {
    errors.Exit.DONE: ("done", "nothing"),
    errors.Exit.UNEXPECTED: (
        "unexpected failure, or a passing fault that outlived its retries",
        "run again: the next run completes the work",
    ),
    errors.Exit.CONFIGURATION: (
        "usage or configuration, or a guard that wants a person to look",
        "the message names the file, path or setting",
    ),
    errors.Exit.REFUSED: (
        "a system refused us: login, permission or quota",
        "fix the credentials or rights, or wait for the quota",
    ),
    errors.Exit.LEASE_HELD: (
        "another runner holds the lease of this ledger and direction",
        "let it end; a killed one is noticed by itself",
    ),
    errors.Exit.PARKED: (
        "done, with records parked, where `--strict` asks",
        "`reverse-sf parked`",
    ),
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference pages; called by MkDocs."""
    for name, text in pages().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def pages() -> dict[str, str]:
    """Every reference page: its name and its Markdown."""
    return {
        "settings": "\n".join(_settings()),
        "sync-yml": "\n".join(_sync_yml()),
        "commands": "\n".join(_commands()),
        "exit-codes": "\n".join(_exit_codes()),
    }


def _settings() -> Iterator[str]:
    yield "# Settings of the plugins\n"
    yield (
        "In Meltano a setting is an environment variable, such as `TAP_SALESFORCE_START_DATE`, a"
        " line under `config:` in `meltano.yml`, or `meltano config set`. Secrets belong into"
        " `.env` or into the scheduler's own store.\n"
    )
    for _, definition in PLUGINS:
        yield f"## {definition['name']}\n"
        yield "| setting | kind | default | meaning |"
        yield "| --- | --- | --- | --- |"
        for one in settings_of(definition["declared"]):
            secret = " Secret." if one.get("sensitive") else ""
            yield (
                f"| `{one['name']}` | {_kind(one)} | {_code(one.get('value'))} |"
                f" {_cell(one['description'])}{secret} |"
            )
        yield ""


def _kind(setting: dict[str, Any]) -> str:
    if setting["kind"] == "options":
        return " or ".join(f"`{each['value']}`" for each in setting["options"])
    return str(setting["kind"])


def _sync_yml() -> Iterator[str]:
    schema = json.loads(schema_text())
    yield "# sync.yml\n"
    yield (
        "One file says what is synced and by which rules. `reverse-sf schema` prints its JSON"
        " Schema; with `# yaml-language-server: $schema=sync.schema.json` at its top, an editor"
        " completes and checks it. Unknown keys are refused, and all problems are reported at"
        " once.\n"
    )
    yield "## The whole file\n"
    yield from _keys(schema, schema)
    for name, part in schema["$defs"].items():
        yield f"## {name}\n"
        yield f"{_prose(part.get('description', ''))}\n"
        if "properties" in part:
            yield from _keys(part, schema)
        else:
            yield f"Holds: {_holds(part)}.\n"


def _keys(part: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    required = part.get("required", ())
    yield "| key | what it holds | meaning |"
    yield "| --- | --- | --- |"
    for name, prop in part["properties"].items():
        must = ", required" if name in required else ""
        yield f"| `{name}` | {_holds(prop)}{must} | {_cell(_meaning(prop, schema))} |"
    yield ""


def _holds(prop: dict[str, Any]) -> str:
    if "$ref" in prop:
        name = prop["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name})"
    if "enum" in prop or "const" in prop:
        return _values(prop.get("enum") or [prop["const"]])
    if "items" in prop:
        return f"list of {_holds(prop['items'])}"
    if "anyOf" in prop or "oneOf" in prop:
        return " or ".join(_holds(each) for each in prop.get("anyOf") or prop["oneOf"])
    kind = prop.get("type", "any value")
    if isinstance(kind, list):
        return " or ".join(kind)
    return {"object": "mapping", "string": "text", "boolean": "`true` or `false`"}.get(kind, kind)


def _meaning(prop: dict[str, Any], schema: dict[str, Any]) -> str:
    if "description" in prop:
        return str(prop["description"])
    if "$ref" in prop:
        return str(schema["$defs"][prop["$ref"].rsplit("/", 1)[1]].get("description", ""))
    return ""


def _commands() -> Iterator[str]:
    yield "# The command reverse-sf\n"
    yield (
        "Inside Meltano each command is `meltano invoke reverse-sf:<command>`, which hands it the"
        " settings of the environment.\n"
    )
    yield from _help(cli, "reverse-sf", None, 2)


def _help(
    command: click.Command, name: str, parent: click.Context | None, level: int
) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent, max_content_width=98)
    yield f"{'#' * level} {context.command_path}\n"
    yield f"```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            if found is not None and not found.hidden:
                yield from _help(found, each, context, min(level + 1, 4))


def _exit_codes() -> Iterator[str]:
    yield "# Exit codes and errors\n"
    yield "Every command, tap, mapper and target ends with one of these codes. Meltano itself ends"
    yield "with 1 whenever a plugin fails; the plugin's own code is in its log.\n"
    yield "| code | meaning | what to do |"
    yield "| --- | --- | --- |"
    for code, (meaning, remedy) in WHAT_TO_DO.items():
        yield f"| {code.value} | {meaning} | {remedy} |"
    yield "\n## Errors, by what can be done about them\n"
    yield "| error | exit code | meaning |"
    yield "| --- | --- | --- |"
    for error in _tree(errors.ReverseSFError):
        meaning = inspect.cleandoc(error.__doc__ or "").split("\n\n", 1)[0].replace("\n", " ")
        code = "none" if error is errors.RecordError else error.exit_code.value
        yield f"| `{error.__name__}` | {code} | {_cell(meaning)} |"


def _tree(error: type[errors.ReverseSFError]) -> Iterator[type[errors.ReverseSFError]]:
    if error is not errors.ReverseSFError:
        yield error
    for each in error.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from _tree(each)


def _values(values: list[Any]) -> str:
    return ", ".join(_code(each) for each in values)


def _code(value: Any) -> str:
    if value is None or value == "":
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _cell(text: str) -> str:
    """Text as the cell of a table, taken literally."""
    return _prose(text).replace("|", "\\|").replace("\n", " ")


def _prose(text: str) -> str:
    """Text that is no Markdown."""
    return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
