"""``python -m reverse_sf.simulator`` is ``reverse-sf simulator``."""

from __future__ import annotations

from reverse_sf.simulator.command import simulator

if __name__ == "__main__":
    simulator(prog_name="reverse-sf simulator")
