"""Stores to work on: copies of real ones, and an empty one."""

import shutil
from pathlib import Path

import pytest

from catalog_app.models import Store
from catalog_app.services.stores import register_store
from catalog_app.tests.market import market_path


@pytest.fixture
def nautilus_store(db: None, tmp_path: Path) -> Store:
    """A copy of the store that NautilusTrader 1.231.0 wrote."""
    root = tmp_path / "nautilus-1.231"
    shutil.copytree(market_path("stores/nautilus-1.231"), root)
    for path in [root, *root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return register_store(root)


@pytest.fixture
def empty_store(db: None, tmp_path: Path) -> Store:
    root = tmp_path / "empty-store"
    (root / "data").mkdir(parents=True)
    return register_store(root)
