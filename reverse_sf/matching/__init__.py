"""Matching: which records of the two systems are one thing. Pure; reads nothing, writes nothing."""

from __future__ import annotations
