"""A vendor's CSV into a NautilusTrader store: the desk's import against NautilusTrader's own tools."""

from pathlib import Path
from typing import Any

from benchmarks.subjects import BARS, QUOTES, Subject
from benchmarks.work import Done, Work, Workspace
from catalog_app.formats.delimited import Mapping, parse_batches
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.schema import PRICE_COLUMNS, SIZE_COLUMNS

# What the desk does not use is imported where it is used: each process holds its own side's libraries.


def desk_quotes(workspace: Workspace) -> Work:
    """Parse, judge and write every row of the quotes, then commit."""
    return _desk(workspace.path("quote-csv") / "quotes.csv", QUOTES)


def desk_bars(workspace: Workspace) -> Work:
    """Parse, judge and write every row of the bars, then commit."""
    return _desk(workspace.path("bar-csv") / "bars.csv", BARS)


def nautilus_quotes(workspace: Workspace) -> Work:
    """Read with pandas, make QuoteTick objects, write them."""
    return _nautilus(workspace.path("quote-csv") / "quotes.csv", quote_wrangler())


def nautilus_bars(workspace: Workspace) -> Work:
    """Read with pandas, make Bar objects, write them."""
    from nautilus_trader.model.data import BarType
    from nautilus_trader.persistence.wranglers import BarDataWrangler

    from catalog_app.store.instruments.building import build_instrument

    instrument = build_instrument(
        "currency_pair", BARS.instrument_id, currency="USDT", base_currency="BTC",
        price_precision=BARS.price_precision, size_precision=BARS.size_precision,
    )  # fmt: skip
    wrangler = BarDataWrangler(BarType.from_str(BARS.bar_type), instrument)
    return _nautilus(workspace.path("bar-csv") / "bars.csv", wrangler)


def quote_wrangler() -> Any:
    """NautilusTrader's maker of QuoteTick objects."""
    from nautilus_trader.persistence.wranglers import QuoteTickDataWrangler

    from catalog_app.store.instruments.building import build_instrument

    instrument = build_instrument(
        "currency_pair", QUOTES.instrument_id, currency="USD", base_currency="EUR",
        price_precision=QUOTES.price_precision, size_precision=QUOTES.size_precision,
    )  # fmt: skip
    return QuoteTickDataWrangler(instrument)


def _desk(csv: Path, subject: Subject) -> Work:
    numbers = (*PRICE_COLUMNS[subject.data_type], *SIZE_COLUMNS[subject.data_type])
    mapping = Mapping(
        data_type=subject.data_type,
        columns={"timestamp": "timestamp", **{name: name for name in numbers}},
        stamp="close",
    )

    def run(store: Path) -> Done:
        with Transaction(store, "import", subject.directory) as tx:
            writer = subject.writer(tx)
            for batch in parse_batches(
                csv, mapping, price_precision=subject.price_precision, size_precision=subject.size_precision
            ):
                writer.write(batch.frame)
            writer.finish()
            tx.commit()
        return Done(writer.rows, subject.file(store).stat().st_size)

    return Work(run)


def _nautilus(csv: Path, wrangler: Any) -> Work:
    import pandas as pd
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    def run(store: Path) -> Done:
        # The quickest way that pandas has for these times.
        frame = pd.read_csv(csv, index_col="timestamp", parse_dates=["timestamp"], date_format="ISO8601")
        records = wrangler.process(frame)
        ParquetDataCatalog(str(store)).write_data(records)
        (file,) = store.rglob("*.parquet")
        return Done(len(records), file.stat().st_size)

    return Work(run)
