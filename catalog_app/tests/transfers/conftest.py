"""A store to import into, and short ways to import."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalog_app.formats.delimited import detect
from catalog_app.models import Import, Job, Store
from catalog_app.services.importing import ImportRequest, import_now
from catalog_app.services.stores import register_store
from catalog_app.services.uploads import keep_local_file

GBPUSD = {"instrument_class": "currency_pair", "currency": "USD", "base_currency": "GBP", "price_precision": 5}
BAR_TYPE = "GBP/USD.SIM-1-MINUTE-BID-EXTERNAL"

type Importer = Callable[..., tuple[Import, Job]]


@pytest.fixture
def store(db: None, tmp_path: Path) -> Store:
    root = tmp_path / "store"
    (root / "data").mkdir(parents=True)
    return register_store(root, name="desk")


@pytest.fixture
def import_text(store: Store, tmp_path: Path) -> Importer:
    """Import text (or a file) as GBP/USD one-minute bars, open-stamped unless said otherwise."""

    def run(content: str | bytes | Path, **changes: Any) -> tuple[Import, Job]:
        if isinstance(content, Path):
            path = content
        else:
            path = tmp_path / "bars.csv"
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        upload = keep_local_file(path, None)
        mapping = changes.pop("mapping", {})
        request = {
            "store": store,
            "instrument_id": "GBP/USD.SIM",
            "bar_type": BAR_TYPE,
            "new_instrument": GBPUSD,
            **changes,
        }
        detected = detect(path).to_mapping(**{"interval_ns": 60_000_000_000, **mapping})
        return import_now(ImportRequest(upload=upload, mapping=detected, **request))

    return run


def bars(*rows: str) -> str:
    """A CSV of bars with volume."""
    return "\n".join(["timestamp,open,high,low,close,volume", *rows]) + "\n"


GOOD = (
    "2024-01-02 10:00:00,1.10000,1.10020,1.09990,1.10010,5",
    "2024-01-02 10:01:00,1.10010,1.10030,1.10000,1.10020,7",
    "2024-01-02 10:02:00,1.10020,1.10040,1.10010,1.10030,9",
)


def files_of(store: Store) -> list[str]:
    """Every data file of a store, journal and trash left out."""
    root = Path(store.root)
    return sorted(str(path.relative_to(root)) for path in (root / "data").rglob("*") if path.is_file())
