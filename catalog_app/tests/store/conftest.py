"""Fixtures of the store's tests."""

from catalog_app.tests.store.upstream_v2 import requires_v2

__all__ = ["requires_v2"]
