"""Real market data for tests: the directory that MARKET_DATA names."""

import os
from pathlib import Path

import pytest


def market_path(relative: str) -> Path:
    """A file or directory of the market data; skips when MARKET_DATA is unset, fails when it is set but wrong."""
    root = os.environ.get("MARKET_DATA")
    if not root:
        pytest.skip("MARKET_DATA is not set")
    path = Path(root) / relative
    assert path.exists(), f"MARKET_DATA is set, but {path} does not exist"
    return path
