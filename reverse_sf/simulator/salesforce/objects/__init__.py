"""Metadata declarations of the local org; see ``reverse_sf.simulator.salesforce.declaration``."""
