"""What a version cannot hold is counted, and what is left is written."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from catalog_app.store.errors import InvalidRows
from catalog_app.store.layout import VERSIONS, Version
from catalog_app.store.reader import scan
from catalog_app.store.schema import CANONICAL
from catalog_app.store.writing.losses import losses, reduced
from catalog_app.tests.store.frames import TYPES, UNIT, frame, write


def level(**values: int | None) -> dict[str, int | None]:
    return {"price": UNIT, "size": UNIT, "count": 1, "order_id": 0} | values


def depths(*bids: list[dict[str, int | None]]) -> pl.DataFrame:
    side = pl.Series(list(bids), dtype=CANONICAL["depth10"]["bids"])
    return frame("depth10", list(range(len(bids)))).with_columns(bids=side)


def with_values(data_type: str, column: str, *values: Any) -> pl.DataFrame:
    one = frame(data_type, list(range(len(values))))
    return one.with_columns(pl.Series(column, values, dtype=CANONICAL[data_type][column]))


CASES: tuple[tuple[Version, str, pl.DataFrame, dict[str, int], pl.DataFrame], ...] = (
    (
        "v1",
        "depth10",
        depths([level()] * 10, [level()] * 11, [level(order_id=3), level()], [level(order_id=4)] * 12),
        {
            "bids has more than 10 levels: NautilusTrader 1 holds no deeper ones": 2,
            "bids has order ids: depths of NautilusTrader 1 hold none": 2,
        },
        depths([level()] * 10, [level()] * 10, [level(), level()], [level()] * 10),
    ),
    (
        "v2",
        "depth10",
        depths([level(), level(price=None)], [], [level(size=None), level(price=2 * UNIT)]),
        {"bids has a level without price or size: NautilusTrader 2 holds none": 2},
        depths([level()], [], [level(price=2 * UNIT)]),
    ),
    (
        "v1",
        "close",
        with_values("close", "close_price", None, UNIT),
        {"close_price is empty: NautilusTrader 1 cannot read such a row": 1},
        with_values("close", "close_price", None, UNIT).tail(1),
    ),
    (
        "v2",
        "quote",
        with_values("quote", "ask_size", UNIT, None, None),
        {"ask_size is empty: NautilusTrader 2 cannot read such a row": 2},
        with_values("quote", "ask_size", UNIT, None, None).head(1),
    ),
    (
        "v2",
        "funding_rate",
        with_values("funding_rate", "rate", "0.0001", "0." + "3" * 29, "-0.50"),
        {"rate has more than 28 digits: NautilusTrader 2 rounds or refuses it": 1},
        with_values("funding_rate", "rate", "0.0001", "x", "-0.50").filter(pl.col("rate") != "x"),
    ),
)


@pytest.mark.parametrize(("version", "data_type", "rows", "lost", "left"), CASES)
def test_losses_are_counted_and_the_rest_is_written(
    version: Version, data_type: str, rows: pl.DataFrame, lost: dict[str, int], left: pl.DataFrame, tmp_path: Path
) -> None:
    precisions = {"price_precision": 2, "size_precision": 2}
    assert losses(rows, data_type, version, **precisions) == lost
    with pytest.raises(InvalidRows, match=next(iter(lost))):
        write(tmp_path, data_type, rows, version=version, **precisions)
    kept = reduced(rows, data_type, version, **precisions)
    assert kept.equals(left)
    assert losses(kept, data_type, version, **precisions) == {}
    [file] = write(tmp_path, data_type, kept, version=version, **precisions).files_after
    assert scan(tmp_path, [file.path], data_type).collect().equals(left)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("data_type", TYPES)
def test_rows_that_a_version_holds_are_left_as_they_are(data_type: str, version: Version) -> None:
    rows = frame(data_type, [1, 2])
    assert losses(rows, data_type, version) == {}
    assert reduced(rows, data_type, version).equals(rows)
