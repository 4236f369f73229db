"""Two-way sync between SPOTIO and Salesforce inside any Meltano project.

Rooms, from the inside out: ``mapping`` holds what the administrator declared, ``merge`` what
should happen, ``ledger`` what has happened; ``salesforce`` and ``spotio`` speak HTTP to the two
services; ``tap``, ``mapper`` and ``cli`` are the plugins. ``simulator`` stands apart.
"""

from __future__ import annotations
