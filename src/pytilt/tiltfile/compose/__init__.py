"""Compose files: read, brought into their normal form, and made into the resources of a declaration."""
