"""A real engine."""

from tests.engine_fixtures import engine, engine_settings

__all__ = ["engine", "engine_settings"]
