"""Callers with tokens, and a small market in the index."""

from catalog_app.tests.api.conftest import _fresh_rates, bearer, reader  # noqa: F401
from quality_app.tests.dashboard.conftest import make_row, make_run  # noqa: F401
