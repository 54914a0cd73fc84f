"""Datasets in the index without files behind them: pages and history need none."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from catalog_app.models import Dataset, Instrument, Store
from quality_app.models import CheckResult, ValidationRun

NOW = datetime(2024, 3, 10, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)

MakeRow = Callable[..., Dataset]
MakeRun = Callable[..., ValidationRun]


@pytest.fixture
def make_row(db: None) -> MakeRow:
    """Put a dataset into the index: `make_row("EUR/USD.SIM", "quote", "0.9", accuracy="0.8")`."""

    def make(
        instrument: str = "EUR/USD.SIM", data_type: str = "quote", score: str | None = None, **fields: Any
    ) -> Dataset:
        store_name, asset_class = fields.pop("store", "main"), fields.pop("asset_class", "FX")
        store, _ = Store.objects.get_or_create(name=store_name, defaults={"root": f"/nowhere/{store_name}"})
        symbol, _, venue = instrument.rpartition(".")
        definition, _ = Instrument.objects.get_or_create(
            store=store,
            instrument_id=instrument,
            defaults={"symbol": symbol, "venue": venue, "asset_class": asset_class},
        )
        known = {name: Decimal(value) for name, value in fields.items() if isinstance(value, str) and name in _SCORES}
        rest = {name: value for name, value in fields.items() if name not in known}
        timeframe = rest.get("timeframe", "")
        row = Dataset.objects.create(
            store=store,
            definition=definition,
            path=f"data/{data_type}/{instrument}-{timeframe}",
            venue=venue,
            instrument_id=instrument,
            data_type=data_type,
            quality_score=None if score is None else Decimal(score),
            **known,
            **rest,
        )
        if row.last_validated is not None:
            Dataset.objects.filter(pk=row.pk).update(indexed_at=row.last_validated - DAY)
        return row

    return make


_SCORES = frozenset({"completeness", "accuracy", "consistency", "timeliness"})


@pytest.fixture
def make_run() -> MakeRun:
    """Keep a run: `make_run(dataset, NOW, {"quote.crossed": 3, "time.order": 0})`."""

    def make(dataset: Dataset, at: datetime, found: dict[str, int], rows: int = 100, **fields: Any) -> ValidationRun:
        run = ValidationRun.objects.create(
            dataset=dataset, started_at=at - timedelta(seconds=2), finished_at=at, rows=rows, **fields
        )
        for check_id, violations in found.items():
            severity = "info" if check_id == "quote.locked" else "critical" if check_id == "time.order" else "major"
            CheckResult.objects.create(
                run=run,
                check_id=check_id,
                version=1,
                dimension="accuracy",
                severity=severity,
                rows=rows,
                violations=violations,
                message=f"{violations} of {rows} rows",
                samples=[
                    {"file": "data/a.parquet", "row": 4, "tsInitNs": 1_704_067_200_000_000_000, "values": {"bid": "2"}}
                ]
                if violations
                else [],
            )
        return run

    return make
