"""A whole delimited file into canonical batches, with every unusable row named."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from catalog_app.formats.delimited.blocks import read_blocks
from catalog_app.formats.delimited.cells import split_cells
from catalog_app.formats.delimited.fields import canonical, parse_fields, text_columns
from catalog_app.formats.delimited.mapping import Mapping
from catalog_app.formats.delimited.order import OrderTracker, ParseStats
from catalog_app.formats.delimited.rules import any_broken, first_reason, rules
from catalog_app.formats.delimited.source import DEFAULT_MAX_BYTES, Source
from catalog_app.formats.delimited.table import TableShape, read_lines, read_table
from catalog_app.formats.delimited.times import explain_times
from catalog_app.formats.errors import FormatError

DEFAULT_BATCH_ROWS: Final = 250_000
_FIRST_BLOCK: Final = 2**18
_MAX_BLOCK: Final = 2**26
_HEAD_LINES: Final = 200
_TEXT_KEPT: Final = 200


@dataclass(frozen=True, slots=True)
class ParsedBatch:
    """frame: canonical rows in file order. rejected: line (Int64, from 1), reason, text (the line, shortened).

    bytes_read of bytes_total: progress in the file on disk.
    """

    frame: pl.DataFrame
    rejected: pl.DataFrame
    bytes_read: int
    bytes_total: int


class BatchParser:
    """Iterate once for the batches; `stats` is complete after the last one. Memory is bounded by the batch size."""

    def __init__(
        self,
        path: Path,
        mapping: Mapping,
        *,
        batch_rows: int = DEFAULT_BATCH_ROWS,
        price_precision: int,
        size_precision: int,
        negative_prices_allowed: bool = False,
        max_bytes: int = DEFAULT_MAX_BYTES,
        name: str | None = None,
    ) -> None:
        mapping.check()
        self.path = path
        self.mapping = mapping
        self.batch_rows = batch_rows
        self.max_bytes = max_bytes
        self.name = name or path.name
        self.stats = ParseStats()
        columns = mapping.columns
        self.stats.volume_missing = mapping.data_type == "bar" and "volume" not in columns
        self.stats.sizes_missing = mapping.data_type == "quote" and not {"bid_size", "ask_size"} <= columns.keys()
        self.stats.trade_ids_generated = mapping.data_type == "trade" and "trade_id" not in columns
        self._tracker = OrderTracker(self.stats, _compared(mapping))
        self._rules = rules(
            mapping.data_type,
            set(columns),
            price_precision,
            size_precision,
            negative_prices_allowed=negative_prices_allowed,
        )
        self._line = 1

    def __iter__(self) -> Iterator[ParsedBatch]:
        with Source(self.path, self.name, max_bytes=self.max_bytes) as source:
            head = next(read_blocks(source, self.mapping.encoding, _FIRST_BLOCK), b"")
        shape, positions = self._shape(head)
        block_bytes = _block_bytes(head, self.batch_rows)
        with Source(self.path, self.name, max_bytes=self.max_bytes) as source:
            to_skip = self.mapping.skip_lines + self.mapping.has_header
            for block in read_blocks(source, self.mapping.encoding, block_bytes):
                rest, skipped = _skip_lines(block, to_skip)
                to_skip -= skipped
                self._line += skipped
                if rest:
                    frame, rejected = self._parse(rest, shape, positions)
                    yield ParsedBatch(frame, rejected, source.bytes_read, source.bytes_total)
        if not self.stats.lines:
            raise FormatError("it holds no rows", self.name, "Check that the export or download was complete.")

    def _shape(self, head: bytes) -> tuple[TableShape, dict[str, int]]:
        """Fields per line as the header has them, or else most of the first lines; and where the fields are."""
        mapping = self.mapping
        lines = read_lines(head).head(mapping.skip_lines + _HEAD_LINES).to_list()[mapping.skip_lines :]
        rows = split_cells([line for line in lines if line.strip()], mapping.delimiter)
        if not rows:
            raise FormatError("the file is empty", self.name, "Check that the export or download was complete.")
        header = rows[0] if mapping.has_header else None
        fields = len(header) if header else Counter(len(row) for row in rows).most_common(1)[0][0]
        positions = mapping.resolve(header, fields, self.name)
        return TableShape(mapping.delimiter, fields, tuple(positions.values())), positions

    def _parse(self, block: bytes, shape: TableShape, positions: dict[str, int]) -> tuple[pl.DataFrame, pl.DataFrame]:
        first_line = self._line
        self._line += block.count(b"\n") + (not block.endswith(b"\n"))
        table = read_table(block, shape, first_line)
        self.stats.lines += table.height
        table = table.select("line", "fault", *text_columns(self.mapping, positions))
        parsed, broken = self._judge(table)
        if broken.height:
            # Most often spaces around the cells: only these rows pay for the second look.
            stripped = broken.with_columns(pl.col(r"^text\..*$").str.strip_chars())
            mended, broken = self._judge(stripped)
            parsed = pl.concat([parsed, mended]).sort("line") if mended.height else parsed
        self._tracker.add(parsed)
        rejected = self._explain(broken, block, first_line)
        self.stats.rejected += rejected.height
        return canonical(parsed, self.mapping.data_type), rejected

    def _judge(self, table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Good rows parsed, and the others as they were."""
        parsed = parse_fields(table, self.mapping)
        broken = pl.any_horizontal(
            pl.col("fault").is_not_null(),
            pl.col("ts_event").is_null(),
            pl.col("ts_init").is_null(),
            any_broken(self._rules),
        )
        mask = parsed.select(broken).to_series()
        if not mask.any():
            return parsed, table.clear()
        return parsed.filter(~mask), table.filter(mask)

    def _explain(self, broken: pl.DataFrame, block: bytes, first_line: int) -> pl.DataFrame:
        if broken.is_empty():
            return pl.DataFrame(schema={"line": pl.Int64, "reason": pl.String, "text": pl.String})
        parsed = parse_fields(broken, self.mapping)
        times = [self._time_reason(parsed, "timestamp", "ts_event")]
        if "text.ts_init" in parsed.columns:
            times.append(self._time_reason(parsed, "ts_init", "ts_init"))
        reason = pl.coalesce("fault", *times, first_reason(self._rules), pl.lit("the row cannot be used"))
        text = read_lines(block).gather(broken["line"] - first_line).str.head(_TEXT_KEPT).alias("text")
        return parsed.select("line", reason=reason).with_columns(text)

    def _time_reason(self, parsed: pl.DataFrame, field: str, value: str) -> pl.Series:
        why = explain_times(parsed[f"text.{field}"], self.mapping.time_format, self.mapping.timezone)
        return pl.select(pl.when(parsed[value].is_null()).then(why)).to_series()


def parse_batches(
    path: Path,
    mapping: Mapping,
    *,
    batch_rows: int = DEFAULT_BATCH_ROWS,
    price_precision: int,
    size_precision: int,
    negative_prices_allowed: bool = False,
    max_bytes: int = DEFAULT_MAX_BYTES,
    name: str | None = None,
) -> BatchParser:
    """Read a file by a mapping: iterate for ParsedBatch of about `batch_rows` rows, then look at `.stats`.

    Values come from text exactly (Int128 x 10^-16); a row that cannot be used is in `rejected` with its line and
    reason. `name` stands in messages. Raises FormatError for what makes the whole file unusable.
    """
    return BatchParser(
        path,
        mapping,
        batch_rows=batch_rows,
        price_precision=price_precision,
        size_precision=size_precision,
        negative_prices_allowed=negative_prices_allowed,
        max_bytes=max_bytes,
        name=name,
    )


def _compared(mapping: Mapping) -> list[str]:
    """Columns that tell whether two rows are identical: all that the file itself says."""
    names = [name for name in mapping.columns if name not in {"timestamp", "date", "time", "ts_init", "is_buyer_maker"}]
    if "is_buyer_maker" in mapping.columns:
        names.append("aggressor_side")
    return ["ts_init", "ts_event", *names]


def _block_bytes(head: bytes, batch_rows: int) -> int:
    per_line = len(head) / max(head.count(b"\n"), 1)
    return min(max(int(per_line * batch_rows), 1024), _MAX_BLOCK)


def _skip_lines(block: bytes, count: int) -> tuple[bytes, int]:
    """The block without its first lines, and how many were there to be skipped."""
    skipped = 0
    at = 0
    while skipped < count and at < len(block):
        end = block.find(b"\n", at)
        at = len(block) if end < 0 else end + 1
        skipped += 1
    return block[at:], skipped
