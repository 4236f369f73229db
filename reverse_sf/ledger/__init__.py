"""What has happened: links, bases, images, operations, parked work, conflicts, log, leases."""

from __future__ import annotations
