"""The local page: what the commands tell and do, for those who would rather look and click."""
