"""A multiset of rows as a few numbers: equal multisets have equal ones, in whatever order the rows come.

Two 64-bit hashes of each row (Polars, two seeds, all columns, nulls told from values) are summed modulo 2^64, beside
the count. Sums can be subtracted: what an operation leaves out is taken off. Good within one process only, since the
hashes differ between releases of Polars.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl
import pyarrow as pa

from catalog_app.store.errors import StoreError

_SEEDS: Final = (0x9E37_79B9, 0x85EB_CA6B)
_MASK: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Row count and the sums of two hashes."""

    rows: int = 0
    first: int = 0
    second: int = 0

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """The fingerprint of rows as they are stored."""
        frame = comparable(table)
        sums = [int(frame.hash_rows(seed=seed).to_numpy().sum(dtype=np.uint64)) for seed in _SEEDS]
        return cls(frame.height, *sums)

    def __add__(self, other: "Fingerprint") -> "Fingerprint":
        return Fingerprint(
            self.rows + other.rows, (self.first + other.first) & _MASK, (self.second + other.second) & _MASK
        )

    def __sub__(self, other: "Fingerprint") -> "Fingerprint":
        return Fingerprint(
            self.rows - other.rows, (self.first - other.first) & _MASK, (self.second - other.second) & _MASK
        )


def comparable(table: pa.Table) -> pl.DataFrame:
    """Rows as Polars can hash and compare them: 16-byte binary as integers of the same buffer, enums as text.

    StoreError for columns of kinds that it cannot (some of custom data): such files are only moved whole.
    """
    try:
        columns = [_comparable(table.column(at)) for at in range(table.num_columns)]
        return pl.DataFrame([pl.Series(str(at), column) for at, column in enumerate(columns)])
    except (pa.ArrowException, pl.exceptions.PolarsError, TypeError) as error:
        kinds = ", ".join(f"{field.name}: {field.type}" for field in table.schema)
        raise StoreError(f"rows of these columns cannot be compared, so they are not rewritten ({kinds})") from error


def _comparable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _comparable(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
    if pa.types.is_decimal256(kind):  # Polars panics
        raise TypeError("Polars has no 256-bit numbers")
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    if pa.types.is_fixed_size_binary(kind) and kind.byte_width in {8, 16}:
        plain = pa.int64() if kind.byte_width == 8 else pa.decimal128(38, 0)
        return pa.chunked_array([chunk.view(plain) for chunk in column.chunks], plain)
    return column
