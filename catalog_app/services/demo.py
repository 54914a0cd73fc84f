"""Seed the demo store: build its files, register it, index it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db.models import Sum

from catalog_app.demo.generate import Scope
from catalog_app.demo.place import place_store
from catalog_app.models import Store
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store

NAME = "demo"


@dataclass(frozen=True, slots=True)
class SeedReport:
    """The demo store as indexed, and whether this call built it."""

    store: Store
    built: bool
    instruments: int
    datasets: int
    rows: int
    size_bytes: int
    seconds: float

    def to_json(self) -> dict[str, object]:
        """Return the report as JSON types."""
        return {
            "store": self.store.name,
            "root": self.store.root,
            "built": self.built,
            "instruments": self.instruments,
            "datasets": self.datasets,
            "rows": self.rows,
            "bytes": self.size_bytes,
            "seconds": self.seconds,
        }


def demo_root() -> Path:
    """Return where the demo store stands: the first store's place."""
    return settings.NAUTILUS_PATH / "catalog"


def seed_demo(*, force: bool = False, scope: Scope | None = None) -> SeedReport:
    """Build the demo store where there is none, register and index it. Doing it again changes nothing.

    Args:
        force: Build anew what is there; only ever a demo store.
        scope: What to generate; by default all of it.

    Raises:
        catalog_app.demo.place.NotADemoStore: when the place holds other data.
        catalog_app.store.errors.StoreError: when the disk refuses.

    """
    begun = time.monotonic()
    root = demo_root()
    built = place_store(root, scope, force=force)
    store = register_store(root, name=NAME, is_demo=True)
    if not store.is_demo:
        # The place was registered while it was empty.
        store.is_demo = True
        store.save(update_fields=["is_demo"])
    sync_store(store)
    size = store.files.aggregate(size=Sum("size_bytes"))["size"] or 0
    return SeedReport(
        store=store,
        built=built,
        instruments=store.instruments.count(),
        datasets=store.datasets.count(),
        rows=store.datasets.aggregate(rows=Sum("record_count"))["rows"] or 0,
        size_bytes=size,
        seconds=round(time.monotonic() - begun, 3),
    )
