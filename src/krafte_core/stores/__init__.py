"""Stores: where the books live. `memory` ships with the core; a host may bring its own (`krafte_core.store`)."""
