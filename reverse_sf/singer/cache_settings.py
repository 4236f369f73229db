"""The settings of :mod:`reverse_sf.cache`, the same for every plugin that talks to a system."""

from __future__ import annotations

from singer_sdk import typing as th

from reverse_sf.cache import DEFAULT_LIFETIME_S, FOLDER, LIFETIME

CACHE_SETTINGS = (
    th.Property(
        FOLDER,
        th.StringType,
        title="Cache folder",
        description="Where the access token of the last login, and what the system said of its"
        " objects and fields, are kept between runs, so that a quiet run makes few requests. They"
        " are encrypted with a key made of this login's secrets, in files that their owner alone"
        " can read. Unset: .meltano/reverse-sf/cache of the Meltano project, and without a project"
        " nothing is kept. off: nothing is kept, and every run logs in and asks anew.",
    ),
    th.Property(
        LIFETIME,
        th.IntegerType(minimum=0),
        default=DEFAULT_LIFETIME_S,
        title="Cache lifetime",
        description="Seconds for which objects and fields that were kept are believed; they are"
        " asked for anew after half of that time at the earliest, not all in the same run, and at"
        " once by reverse-sf check or where something is missing. 0: every run asks.",
    ),
)
