"""Helpers for the tests of those who build on the library."""

from krafte_core.testing.clock import FakeClock as FakeClock

__all__ = ["FakeClock"]
