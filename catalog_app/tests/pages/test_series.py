"""The chart's figure: bounded, and no extreme lost."""

import json
from itertools import groupby

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.models import DataFile
from catalog_app.services import series, series_band, series_buckets, series_figure
from catalog_app.services.series import bounded_start, build_series
from catalog_app.services.series_buckets import bucket_width, to_iso, width_text
from catalog_app.tests.pages.conftest import MINUTE, START


def _trace(built: series.Series, name: str) -> dict:
    figure = json.loads(built.figure.to_json())
    return next(trace for trace in figure["data"] if trace["name"] == name)


def test_bars_are_aggregated_to_candles_that_keep_high_low_and_volume(bar_dataset):
    built = build_series(bar_dataset)
    candles = _trace(built, "Price")
    assert built.rows == 4500
    assert built.bucket_ns == 5 * MINUTE
    assert len(candles["x"]) <= series_buckets.POINTS + 1
    assert max(candles["high"]) == pytest.approx(1.20002 + 6499e-5)
    assert min(candles["low"]) == pytest.approx(1.19999)
    assert candles["open"][0] == pytest.approx(1.2)
    assert candles["close"][0] == pytest.approx(1.20005)
    assert sum(_trace(built, "Volume")["y"]) == 45_000


def test_a_candle_stands_at_the_close_of_its_bucket(bar_dataset):
    candles = _trace(build_series(bar_dataset), "Price")
    assert candles["x"][0] == "2024-01-01 00:05:00.000000"


def test_the_title_says_what_a_candle_covers(bar_dataset):
    title = build_series(bar_dataset).figure.layout.title.text
    assert title == "Bars: each candle covers 5 minutes, up to 5 rows; 4\u202f500 rows in all"


def test_zooming_in_shows_each_bar_at_its_own_time(bar_dataset):
    built = build_series(bar_dataset, START + 10 * MINUTE, START + 19 * MINUTE)
    candles = _trace(built, "Price")
    assert built.bucket_ns == 0
    assert candles["x"] == [to_iso(START + n * MINUTE) for n in range(10, 20)]
    assert candles["open"][0] == pytest.approx(1.20009)


def test_nothing_is_drawn_inside_a_hole(bar_dataset):
    assert build_series(bar_dataset, START + 2100 * MINUTE, START + 3900 * MINUTE) is None


def test_an_extreme_of_a_bucket_stays_in_the_band_of_quotes(quote_dataset, monkeypatch):
    monkeypatch.setattr(series_buckets, "POINTS", 50)
    built = build_series(quote_dataset)
    band = _trace(built, "Bid, lowest to highest")
    assert built.bucket_ns > 0
    assert min(value for value in band["y"] if value is not None) == pytest.approx(0.5)
    assert min(_trace(built, "Bid")["y"]) > 1


def test_few_trades_are_points_at_their_own_time(trade_dataset):
    built = build_series(trade_dataset)
    assert built.bucket_ns == 0
    assert _trace(built, "Price")["y"][:2] == pytest.approx([42_000.0, 42_000.01])


def test_no_line_goes_across_a_hole(quote_dataset, store_root, monkeypatch):
    frame = series_buckets.buckets(
        quote_dataset, series.readable_files(quote_dataset), START, START + 10 * MINUTE, 10**9
    )
    holed = frame.filter((frame["at"] < START + 2 * MINUTE) | (frame["at"] > START + 8 * MINUTE))
    breaks = series_figure._breaks(holed, 10**9)
    line = series_figure._line(holed, "bid", "Bid", "down", breaks)
    assert len(breaks) == 1
    assert line.y[breaks[0]] is None


def test_a_quote_holds_until_the_next_one(quote_dataset):
    assert _trace(build_series(quote_dataset, START, START + 10**9), "Ask")["line"]["shape"] == "hv"


def test_a_band_is_empty_where_no_bucket_has_rows():
    parts = [(0, 10, 1.0, 2.0), (10, 20, 1.5, 3.0), (50, 60, 1.0, 1.5)]
    band = series_band.band_trace(parts, "Bid", "down")
    first, second = (list(group) for is_point, group in groupby(band.x, lambda at: at is not None) if is_point)
    assert (min(first), max(first)) == (to_iso(0), to_iso(20))
    assert (min(second), max(second)) == (to_iso(50), to_iso(60))
    assert band.y[:3] == (2.0, 3.0, 3.0)
    assert band.fill == "toself"


def test_lines_of_long_buckets_are_interrupted_over_a_weekend():
    four_hours = 4 * 60 * MINUTE
    buckets = [*range(30), *range(42, 72)]
    frame = pl.DataFrame({"at": [bucket * four_hours for bucket in buckets]})
    assert series_figure._breaks(frame, four_hours) == [30]


def test_an_unreadable_type_has_no_figure(bar_dataset):
    bar_dataset.data_type = "delta"
    assert build_series(bar_dataset) is None


def test_the_figure_is_small_and_holds_plain_lists(bar_dataset):
    text = build_series(bar_dataset).figure.to_json()
    assert "bdata" not in text
    assert len(text) < 300_000


def test_the_rows_read_are_bounded_and_the_latest_are_kept():
    files = [
        DataFile(path=f"f{n}", start_ns=n * 1000, end_ns=n * 1000 + 999, rows=800, size_bytes=1, mtime_ns=1)
        for n in range(5)
    ]
    chosen, start = bounded_start(files, 0, 4999, 1000)
    assert [file.path for file in chosen] == ["f4", "f3"]
    assert 3000 < start <= 3999
    assert bounded_start(files, 4500, 4999, 1000) == ([files[4]], 4500)


@given(span=st.integers(0, 10**18), interval=st.sampled_from([None, 10**9, MINUTE, 7 * MINUTE, 86_400 * 10**9]))
def test_a_bucket_width_bounds_the_points_and_fits_the_bars(span, interval):
    width = bucket_width(span, interval)
    assert width >= 1
    assert span // width <= series_buckets.POINTS
    assert interval is None or width % interval == 0


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (MINUTE, "1 minute"),
        (15 * MINUTE, "15 minutes"),
        (86_400 * 10**9, "1 day"),
        (20 * 10**6, "20 ms"),
        (500, "500 ns"),
    ],
)
def test_a_width_in_words(width, text):
    assert width_text(width) == text


def test_floats_of_the_display_are_the_nearest_ones(quote_dataset):
    assert 1.1 in _trace(build_series(quote_dataset, START, START + 10**9), "Bid")["y"]
