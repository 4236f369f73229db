"""spotio-mapper that writes the number of its ledger statements into ``BENCH_STATEMENTS``."""

from __future__ import annotations

import os
from pathlib import Path

from reverse_sf.ledger.session import Session
from reverse_sf.mapper.plugin import main

_close = Session.close


def _counted(session: Session) -> None:
    Path(os.environ["BENCH_STATEMENTS"]).write_text(str(session.statements), encoding="ascii")
    _close(session)


Session.close = _counted  # type: ignore[method-assign]
main()
