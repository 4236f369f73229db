"""Switches of a local server: behaviour that is not publicly known, or that varies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_sf.simulator.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Switch:
    """One declared switch.

    Attributes:
        name: the key in ``POST /_simulator/switches``.
        default: the setting that a fresh server has; its type is the type that is accepted.
        meaning: one sentence for people.
        choices: the accepted settings, where they are few.
    """

    name: str
    default: Any
    meaning: str
    choices: tuple[Any, ...] = ()

    def accepted(self, setting: Any) -> bool:
        """Whether the setting has the right type, or is one of the choices."""
        if self.choices:
            return setting in self.choices
        if self.default is None or setting is None:
            return setting is None or isinstance(setting, (int, float, str))
        if isinstance(self.default, bool) or isinstance(setting, bool):
            return isinstance(setting, bool) and isinstance(self.default, bool)
        if isinstance(self.default, float):
            return isinstance(setting, (int, float))
        return isinstance(setting, type(self.default))


class Switches:
    """The settings of all declared switches of one server, read as attributes or by key."""

    def __init__(self, declared: Sequence[Switch]) -> None:
        self.declared = {switch.name: switch for switch in declared}
        self._settings: dict[str, Any] = {}
        self.reset()

    def reset(self) -> None:
        """Every switch back to its default."""
        self._settings = {switch.name: switch.default for switch in self.declared.values()}

    def __getitem__(self, name: str) -> Any:
        return self._settings[name]

    def settings(self) -> dict[str, Any]:
        """A copy of all settings."""
        return dict(self._settings)

    def explained(self) -> dict[str, Any]:
        """What every switch means, its default, and its settings where they are few."""
        return {
            "meanings": {
                switch.name: {
                    "meaning": switch.meaning,
                    "default": switch.default,
                    **({"choices": list(switch.choices)} if switch.choices else {}),
                }
                for switch in self.declared.values()
            }
        }

    def set(self, changes: Mapping[str, Any]) -> None:
        """Change some switches, all or none.

        Raises:
            ControlError: a name is unknown, or a setting is not accepted.
        """
        unknown = sorted(set(changes) - set(self.declared))
        if unknown:
            known = ", ".join(sorted(self.declared))
            raise ControlError(f"unknown switches: {', '.join(unknown)}; known are: {known}")
        for name, setting in changes.items():
            switch = self.declared[name]
            if not switch.accepted(setting):
                wanted = switch.choices or type(switch.default).__name__
                raise ControlError(f"switch {name} does not accept {setting!r}; wanted: {wanted}")
        self._settings.update(changes)
