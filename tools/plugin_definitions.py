"""Write the plugins' settings, as the plugins declare them, into the Meltano files.

``plugins/`` gets one definition per plugin for ``meltano add --from-ref``; ``meltano.yml`` gets the
same settings. A test runs this with ``--check``, so a setting is declared in one place only.
"""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
SDK_SETTINGS = {
    "batch_config",
    "faker_config",
    "flattening_enabled",
    "flattening_max_depth",
    "flattening_max_key_length",
    "flattening_separator",
    "stream_map_config",
    "stream_maps",
    "validate_records",
    "add_record_metadata",
    "load_method",
    "batch_size_rows",
    "batch_wait_limit_seconds",
    "process_activate_version_messages",
}
"""What the SDK adds to every plugin; not ours to describe."""

PLUGINS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "extractors",
        {
            "name": "tap-salesforce",
            "namespace": "tap_salesforce",
            "variant": "reverse-sf",
            "label": "Salesforce",
            "pip_url": "reverse-sf",
            "executable": "tap-salesforce",
            "capabilities": ["about", "catalog", "discover", "state", "stream-maps"],
            "declared": "reverse_sf.tap.tap:TapSalesforce",
        },
    ),
    (
        "extractors",
        {
            "name": "tap-spotio",
            "namespace": "tap_spotio",
            "variant": "reverse-sf",
            "label": "SPOTIO",
            "pip_url": "reverse-sf",
            "executable": "tap-spotio",
            "capabilities": ["about", "catalog", "discover", "state", "stream-maps"],
            "declared": "tap_spotio.tap:TapSpotio",
        },
    ),
    (
        "mappers",
        {
            "name": "crm-mapper",
            "namespace": "crm_mapper",
            "variant": "reverse-sf",
            "label": "SPOTIO and Salesforce",
            "pip_url": "reverse-sf",
            "executable": "spotio-mapper",
            "declared": "reverse_sf.mapper.plugin:SpotioMapper",
        },
    ),
    (
        "loaders",
        {
            "name": "target-spotio",
            "namespace": "target_spotio",
            "variant": "reverse-sf",
            "label": "SPOTIO",
            "pip_url": "reverse-sf",
            "executable": "target-spotio",
            "capabilities": ["about", "stream-maps"],
            "declared": "target_spotio.target:TargetSpotio",
        },
    ),
    (
        "loaders",
        {
            "name": "target-salesforce",
            "namespace": "target_salesforce",
            "variant": "reverse-sf",
            "label": "Salesforce",
            "pip_url": "reverse-sf",
            "executable": "target-salesforce",
            "capabilities": ["about", "stream-maps"],
            "declared": "reverse_sf.target.target:TargetSalesforce",
        },
    ),
)


def main() -> int:
    """Write the files, or with ``--check`` only say which would change (exit code 1)."""
    written = {
        path: text
        for path, text in files().items()
        if not path.exists() or path.read_text() != text
    }
    for path, text in written.items():
        print(path.relative_to(ROOT))  # noqa: T201 - the command's output
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return 1 if written and "--check" in sys.argv else 0


def files() -> dict[Path, str]:
    """Each file and the text that it should hold."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 120
    yaml.preserve_quotes = True
    expected: dict[Path, str] = {}
    project_yaml = YAML()
    project_yaml.width = 120
    project_yaml.preserve_quotes = True
    project = project_yaml.load((ROOT / "meltano.yml").read_text())
    for kind, definition in PLUGINS:
        settings = settings_of(definition["declared"])
        plugin = {key: value for key, value in definition.items() if key != "declared"}
        path = ROOT / "plugins" / f"{plugin['name']}.yml"
        expected[path] = _dumped(yaml, plugin | {"settings": settings})
        named = {each["name"]: each for each in project["plugins"][kind]}
        named[plugin["name"]]["settings"] = settings
    expected[ROOT / "meltano.yml"] = _dumped(project_yaml, project)
    return expected


def settings_of(declared: str) -> list[dict[str, Any]]:
    """The settings that a plugin class declares, in Meltano's terms."""
    module, name = declared.split(":")
    schema = getattr(importlib.import_module(module), name).config_jsonschema
    return [
        _setting(name, prop, required=name in schema.get("required", ()))
        for name, prop in schema["properties"].items()
        if name not in SDK_SETTINGS
    ]


def _setting(name: str, prop: dict[str, Any], *, required: bool) -> dict[str, Any]:
    setting: dict[str, Any] = {"name": name, "label": prop.get("title", name), "kind": _kind(prop)}
    if required:
        setting["description"] = f"{prop['description']} Required."
    else:
        setting["description"] = prop["description"]
    if prop.get("secret"):
        setting["sensitive"] = True
    if "default" in prop:
        setting["value"] = prop["default"]
    if "enum" in prop:
        setting["options"] = [{"label": str(each), "value": each} for each in prop["enum"] if each]
    return setting


def _kind(prop: dict[str, Any]) -> str:
    if "enum" in prop:
        return "options"
    if prop.get("format") in {"date-time", "date"}:
        return "date_iso8601"
    types = prop.get("type", "string")
    first = next(each for each in ([types] if isinstance(types, str) else types) if each != "null")
    return {"number": "decimal"}.get(first, first)


def _dumped(yaml: YAML, content: Any) -> str:
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()


if __name__ == "__main__":
    sys.exit(main())
