"""The first rows of a file as a mapping would import them."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from catalog_app.formats.delimited.mapping import Mapping
from catalog_app.formats.delimited.parser import parse_batches
from catalog_app.formats.text_columns import text_columns
from catalog_app.store.schema import SCALE_DIGITS


@dataclass(frozen=True, slots=True)
class Preview:
    """columns and rows: canonical values as text. rejected: line, reason, text of the first unusable rows."""

    columns: list[str]
    rows: list[list[str]]
    rejected: list[dict[str, str | int]]


def preview(
    path: Path,
    mapping: Mapping,
    rows: int = 20,
    *,
    price_precision: int | None = None,
    size_precision: int | None = None,
    negative_prices_allowed: bool = False,
    name: str | None = None,
) -> Preview:
    """Parse about the first `rows` rows only; without a precision, values keep the decimals that they have."""
    parser = parse_batches(
        path,
        mapping,
        batch_rows=rows,
        price_precision=SCALE_DIGITS if price_precision is None else price_precision,
        size_precision=SCALE_DIGITS if size_precision is None else size_precision,
        negative_prices_allowed=negative_prices_allowed,
        name=name,
    )
    good: list[pl.DataFrame] = []
    bad: list[pl.DataFrame] = []
    for batch in parser:
        good.append(batch.frame)
        bad.append(batch.rejected)
        if parser.stats.lines >= rows:
            break
    parsed = pl.concat(good).head(rows)
    shown = text_columns(mapping.data_type, price_precision=price_precision or 0, size_precision=size_precision or 0)
    return Preview(
        columns=parsed.columns,
        rows=[list(row) for row in parsed.select(shown).rows()],
        rejected=pl.concat(bad).head(rows).to_dicts(),
    )
