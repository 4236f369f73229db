"""Which company an API key belongs to."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from reverse_sf.errors import AccessError, RecordError

if TYPE_CHECKING:
    from reverse_sf.spotio.session import Session

logger = logging.getLogger(__name__)


def company_id(session: Session) -> str | None:
    """The company's id, which no smaller answer tells than its calendar settings.

    An API key belongs to one company for good, so the answer is kept between runs. None where
    SPOTIO does not say: the id keeps ledgers apart, and nothing else hangs on it.
    """
    try:
        answer, _ = session.get_kept("/api/CalendarSettings")
    except (AccessError, RecordError) as error:
        logger.info("SPOTIO does not tell its company's id: %s", error)
        return None
    found = answer.get("companyId") if isinstance(answer, dict) else None
    return str(found) if found else None
