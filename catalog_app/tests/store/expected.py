"""What the judges of `upstream` and `upstream_v2` must print for a canonical frame."""

from decimal import Context, Decimal
from typing import Any

import polars as pl

from catalog_app.store.layout import Version
from catalog_app.store.schema import PRICE_COLUMNS, SIZE_COLUMNS

_EXACT = Context(prec=60)


def expected(
    one: pl.DataFrame,
    data_type: str,
    owner: str,
    price_precision: int,
    size_precision: int,
    version: Version = "v1",
) -> list[Any]:
    """[owner, values, ts_event, ts_init] of each row."""

    def fixed(raw: int | None, precision: int) -> list[int] | None:
        return None if raw is None else [raw, precision]

    def levels(side: list[dict[str, Any]]) -> list[Any]:
        return [
            [fixed(x["price"], price_precision), fixed(x["size"], size_precision), x["count"], x["order_id"]]
            for x in side
            # 2.x passes over levels of size 0.
            if version == "v1" or x["size"]
        ]

    def value(name: str, found: Any) -> Any:
        if name in PRICE_COLUMNS[data_type]:
            return fixed(found, price_precision)
        if name in SIZE_COLUMNS[data_type]:
            return fixed(found, size_precision)
        return levels(found) if name in {"bids", "asks"} and found else found

    return [
        [
            owner,
            [value(name, found) for name, found in row.items() if name not in {"ts_event", "ts_init"}],
            row["ts_event"],
            row["ts_init"],
        ]
        for row in one.iter_rows(named=True)
    ]


def plain_rates(records: list[Any]) -> list[Any]:
    """Funding rates as plain numbers: 1.x returns their text, 2.x the number with signs and zeros of its own."""
    return [[owner, [f"{_plain(rate):f}", *rest], *times] for owner, (rate, *rest), *times in records]


def _plain(rate: str) -> Decimal:
    # Adding zero makes -0 zero.
    return _EXACT.normalize(_EXACT.add(Decimal(rate), 0))
