"""Errors of the local servers, which share nothing with the product."""

from __future__ import annotations


class SimulatorError(Exception):
    """Root of the local servers' own errors: the message says what to do."""


class ControlError(SimulatorError):
    """A ``/_simulator/`` call asks for something that does not exist or makes no sense."""


class StartError(SimulatorError):
    """The local servers cannot start: a port is taken, a folder is missing."""
