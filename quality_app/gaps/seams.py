"""How rows that would fill a gap fit between the rows on both sides. Pure: canonical frames in, findings out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from catalog_app.store.decimals import format_raw
from catalog_app.store.schema import PRICE_COLUMNS, SCALE_DIGITS, SIZE_COLUMNS

# refused: it is not written. warning: people may write it, a policy does not.
Severity = Literal["good", "note", "warning", "refused"]

# Rows of each side that a seam is judged by.
CONTEXT_ROWS: Final = 200
# A price may differ over a seam by so many times the largest usual step (the 99th percentile of both sides).
JUMP_FACTOR: Final = 5
_FEW: Final = 5
_BOOK: Final = frozenset({"delta", "depth10"})


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at on a seam, how bad it is, and what was seen, for people."""

    check: str
    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What rows must fit to. Increments are raw (x 10^-16), None where unknown; of bars the length and the grid.

    `grid_ns` is any close on the bars' grid, `interval_ns` their length; both None for what has no grid.
    """

    data_type: str
    price_precision: int
    size_precision: int
    price_increment: int | None = None
    size_increment: int | None = None
    interval_ns: int | None = None
    grid_ns: int | None = None


@dataclass(slots=True)
class RowTally:
    """Counts, over all rows that would be written, what no single row of a seam shows. Feed them in order."""

    terms: Terms
    rows: int = 0
    first: pl.DataFrame | None = None
    last: pl.DataFrame | None = None
    off_grid: int = 0
    too_fine: int = 0
    off_increment: int = 0
    repeated: int = 0
    disordered: int = 0
    early: int = 0

    def feed(self, frame: pl.DataFrame) -> None:
        """Look at further rows, which hold whole instants of ts_init."""
        if frame.is_empty():
            return
        counted = frame.select(
            off_grid=_off_grid(self.terms).sum(),
            too_fine=_not_multiple(self.terms, "precision").sum(),
            off_increment=_not_multiple(self.terms, "increment").sum(),
            repeated=_repeats(self.terms.data_type, frame.columns).sum(),
            disordered=(pl.col("ts_init").diff() < 0).sum(),
            early=(pl.col("ts_event") > pl.col("ts_init")).sum(),
        ).row(0, named=True)
        for name, number in counted.items():
            setattr(self, name, getattr(self, name) + (number or 0))
        if self.last is not None and frame["ts_init"][0] <= self.last["ts_init"][-1]:
            self.disordered += 1
        self.rows += frame.height
        self.first = frame.head(CONTEXT_ROWS) if self.first is None else self.first
        self.last = frame.tail(CONTEXT_ROWS)

    def findings(self) -> list[Finding]:
        """What is wrong with the rows themselves; nothing where they are as they must be."""
        found = []
        if self.too_fine:
            digits = self.terms.price_precision, self.terms.size_precision
            decimals = f"prices {digits[0]}, sizes {digits[1]} decimals"
            text = f"{_rows(self.too_fine)} finer than the dataset's precision ({decimals}) and would be cut."
            found.append(_refused("precision", text))
        else:
            found.append(Finding("precision", "good", "Every value fits the dataset's precision exactly."))
        if self.off_increment:
            text = f"{_rows(self.off_increment)} no multiple of the instrument's increment."
            found.append(Finding("increment", "warning", text))
        if self.off_grid:
            found.append(_refused("grid", f"{_rows(self.off_grid)} not stamped on the dataset's bar grid."))
        elif self.terms.interval_ns:
            found.append(Finding("grid", "good", "Every bar is stamped on the dataset's grid."))
        if self.repeated:
            found.append(_refused("duplicates", f"{_rows(self.repeated)} in the source more than once."))
        if self.disordered:
            found.append(_refused("order", f"{_rows(self.disordered)} not in order of ts_init."))
        if self.early:
            found.append(Finding("times", "warning", f"{_rows(self.early)} stamped before they happened."))
        return found


def judge_side(
    side: Literal["before", "after"], there: pl.DataFrame, fill: pl.DataFrame, terms: Terms, usual: int | None
) -> list[Finding]:
    """Judge one seam: the rows that are there (in order, nearest last or first) against the nearest that would come.

    `usual` is the largest usual step (raw) between neighbouring rows, see `usual_step`; None where it is unknown.
    """
    if fill.is_empty():
        return []
    if there.is_empty():
        return [Finding("continuity", "note", f"There is no row {side} it to compare with.")]
    near, edge = (there.tail(1), fill.head(1)) if side == "before" else (there.head(1), fill.tail(1))
    found = [_order(side, near, edge), _twice(there, fill, terms.data_type), _lag(there, fill)]
    found.append(_continuity(side, near, edge, terms, usual))
    return [one for one in found if one is not None]


def usual_step(frames: Sequence[pl.DataFrame], terms: Terms) -> int | None:
    """The 99th percentile of absolute price steps (raw) between neighbours within each frame; None below 5 steps."""
    price = _price(terms.data_type)
    if price is None:
        return None
    steps = pl.concat([frame.select(price.diff().abs().alias("step")) for frame in frames]).drop_nulls()["step"].sort()
    if len(steps) < _FEW:
        return None
    return max(
        int(steps[(99 * len(steps)) // 100]), terms.price_increment or 10 ** (SCALE_DIGITS - terms.price_precision)
    )


def judge_agreement(ours: pl.DataFrame, theirs: pl.DataFrame, terms: Terms) -> Finding | None:
    """Compare what both have around the gap; of bars this also shows a source that stamps them by their open."""
    if ours.is_empty() or theirs.is_empty():
        return Finding("agreement", "note", "The source has no row near the gap that could be compared.")
    common, equal = _equal(ours, theirs, 0, terms)
    if terms.interval_ns:
        for shift in (terms.interval_ns, -terms.interval_ns):
            _, shifted = _equal(ours, theirs, shift, terms)
            if shifted >= _FEW and shifted > 2 * equal:
                word = "open" if shift > 0 else "close"
                return _refused(
                    "stamp",
                    f"Moved by one bar, {shifted} of the source's bars around the gap are equal to those here, as they "
                    f"are {equal}: it stamps them by their {word}, this dataset does not.",
                )
    if not common:
        return Finding(
            "agreement", "note", "No row around the gap is at the same time in both: they cannot be compared."
        )
    text = f"{equal} of {common} rows around the gap that both have are equal in every price."
    is_poor = terms.interval_ns is not None and common >= _FEW and 2 * equal < common
    return Finding("agreement", "warning" if is_poor else "good" if equal == common else "note", text)


def worst(findings: Sequence[Finding]) -> Severity:
    """The gravest severity; good where nothing was found."""
    order: tuple[Severity, ...] = ("good", "note", "warning", "refused")
    return max((one.severity for one in findings), key=order.index, default="good")


def _order(side: str, near: pl.DataFrame, edge: pl.DataFrame) -> Finding | None:
    low, high = (near, edge) if side == "before" else (edge, near)
    if low["ts_init"][0] <= high["ts_init"][0]:
        return None
    return _refused("order", f"Rows would overlap those {side} the gap.")


def _twice(there: pl.DataFrame, fill: pl.DataFrame, data_type: str) -> Finding:
    keys = duplicate_keys(data_type, there.columns)
    number = fill.select(keys).join(there.select(keys).unique(), on=keys, how="semi", nulls_equal=True).height
    if number:
        return _refused("duplicates", f"{_rows(number)} in the dataset already, beside the gap.")
    return Finding("duplicates", "good", "No row is there already.")


def _lag(there: pl.DataFrame, fill: pl.DataFrame) -> Finding | None:
    """Bars and ticks alike: how far ts_init lies behind ts_event, where it is the same for all rows there."""
    lags = (there["ts_init"] - there["ts_event"]).unique()
    if len(lags) != 1:
        return None
    others = fill.filter(pl.col("ts_init") - pl.col("ts_event") != lags[0]).height
    if not others:
        return None
    text = f"{_rows(others)} stamped otherwise: here ts_init is {lags[0]:,} ns after ts_event in each row."
    return Finding("times", "warning", text)


def _continuity(side: str, near: pl.DataFrame, edge: pl.DataFrame, terms: Terms, usual: int | None) -> Finding | None:
    price = _price(terms.data_type)
    if price is None:
        return None
    # Into a bar one steps from the close before to its open.
    prices = []
    for frame, is_later in ((near, side == "after"), (edge, side == "before")):
        column = pl.col("open") if terms.data_type == "bar" and is_later else price
        prices.append(frame.select(column.alias("price")).item())
    if None in prices:
        return Finding("continuity", "note", "A price on the seam is undefined.")
    there, comes = prices
    step = abs(comes - there)
    shown = " → ".join(format_raw(value, terms.price_precision) for value in _by_time(side, there, comes))
    if usual is None:
        return Finding("continuity", "note", f"Price {shown}; too few rows to tell what is usual.")
    text = f"Price {shown}: a step of {_text(step, terms)}, usual is up to {_text(usual, terms)}"
    if step > JUMP_FACTOR * usual:
        return Finding("continuity", "warning", f"{text}. Is it the same instrument and price?")
    return Finding("continuity", "good", f"{text}.")


def _by_time(side: str, there: int, comes: int) -> tuple[int, int]:
    """The two prices of a seam, the earlier first."""
    return (there, comes) if side == "before" else (comes, there)


def _text(raw: int, terms: Terms) -> str:
    return format_raw(raw, terms.price_precision)


def duplicate_keys(data_type: str, columns: Sequence[str]) -> list[str]:
    """The columns in which two rows are the same thing told twice: when it arrived counts only for bars."""
    if data_type == "bar":
        return ["ts_init"]
    if data_type == "trade":
        return ["trade_id", "ts_event"]
    if data_type == "depth10":
        return ["sequence", "flags", "ts_event"]
    return [name for name in columns if name != "ts_init"]


def _repeats(data_type: str, columns: Sequence[str]) -> pl.Expr:
    if data_type in _BOOK:  # the same change of a book may come twice
        return pl.lit(False)
    keys = duplicate_keys(data_type, columns)
    return ~pl.struct(keys if data_type in {"bar", "trade"} else [*keys, "ts_init"]).is_first_distinct()


def _equal(ours: pl.DataFrame, theirs: pl.DataFrame, shift_ns: int, terms: Terms) -> tuple[int, int]:
    """(rows at a time that both have once, of these equal in all prices), theirs moved by `shift_ns`."""
    prices = list(PRICE_COLUMNS[terms.data_type])
    if not prices:
        return 0, 0
    moved = theirs.select((pl.col("ts_init") + shift_ns).alias("ts_init"), *prices)
    once = [frame.unique("ts_init", keep="none") for frame in (ours.select("ts_init", *prices), moved)]
    both = once[0].join(once[1], on="ts_init", suffix="_theirs")
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_theirs")) for name in prices)
    return both.height, both.filter(same).height


def _off_grid(terms: Terms) -> pl.Expr:
    if terms.interval_ns is None or terms.grid_ns is None:
        return pl.lit(False)
    return (pl.col("ts_init") - terms.grid_ns) % terms.interval_ns != 0


def _not_multiple(terms: Terms, of: Literal["precision", "increment"]) -> pl.Expr:
    """Whether a row has a value that is finer than the precision, or no multiple of the increment."""
    wrong = [pl.lit(False)]
    for names, digits, increment in (
        (PRICE_COLUMNS, terms.price_precision, terms.price_increment),
        (SIZE_COLUMNS, terms.size_precision, terms.size_increment),
    ):
        unit = 10 ** (SCALE_DIGITS - digits) if of == "precision" else increment
        if unit:
            wrong += [(pl.col(name) % pl.lit(unit, pl.Int128) != 0).fill_null(False) for name in names[terms.data_type]]
    return pl.any_horizontal(wrong)


def _price(data_type: str) -> pl.Expr | None:
    if data_type == "quote":
        return (pl.col("bid_price") + pl.col("ask_price")) // pl.lit(2, pl.Int128)
    if data_type == "bar":
        return pl.col("close")
    names = PRICE_COLUMNS[data_type]
    return pl.col(names[0]) if len(names) == 1 and data_type != "delta" else None


def _refused(check: str, text: str) -> Finding:
    return Finding(check, "refused", text)


def _rows(number: int) -> str:
    return f"{number:,} row{' is' if number == 1 else 's are'}"


def as_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings as JSON, the gravest first."""
    order = ("refused", "warning", "note", "good")
    ranked = sorted(findings, key=lambda one: order.index(one.severity))
    return [{"check": one.check, "severity": one.severity, "text": one.text} for one in ranked]
