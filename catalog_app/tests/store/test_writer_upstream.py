"""The released NautilusTraders read our files back as equal objects, at every precision."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalog_app.store.commit.journal import Transaction
from catalog_app.store.layout import VERSIONS, Version
from catalog_app.store.schema import CANONICAL
from catalog_app.store.writer import ROW_GROUP_ROWS, DatasetWriter
from catalog_app.tests.store.expected import expected, plain_rates
from catalog_app.tests.store.frames import INSTRUMENT, TYPES, bar_type_of, frame, frames, write
from catalog_app.tests.store.upstream import Answer, Query, answers, records
from catalog_app.tests.store.upstream_v2 import answers_v2, records_v2

# The whole range, and what instruments have.
PRECISIONS = (0, 1, 2, 5, 8, 9, 15, 16)


def judge(version: Version, queries: list[Query]) -> list[Answer]:
    return answers(queries) if version == "v1" else answers_v2(queries)


def in_any_order(found: list[Any]) -> list[str]:
    """As text: not-a-number equals itself there."""
    return sorted(json.dumps(record) for record in found)


# No shrinking: each example asks a fresh NautilusTrader.
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("data_type", TYPES)
@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(data=st.data())
def test_objects_come_back_equal_at_every_precision(
    version: Version, data_type: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("store")
    want: dict[str, list[Any]] = {}
    with Transaction(root, "test", "d") as tx:
        for precision in PRECISIONS:
            instrument_id = f"P/{precision:02}.SIM"
            bar_type = bar_type_of(data_type, instrument_id)
            precisions = {"price_precision": precision, "size_precision": 16 - precision}
            one = data.draw(frames(data_type, **precisions, version=version))
            writer = DatasetWriter(tx, data_type, instrument_id, bar_type=bar_type, **precisions, version=version)
            writer.write(one)
            writer.finish()
            owner = bar_type or instrument_id
            want[owner] = expected(one, data_type, owner, **precisions, version=version)
        tx.commit()
    # One by one: asked for all at once, 1.231.0 returns funding rates under the first one's id.
    found = judge(version, [(root, data_type, owner) for owner in want])
    for answer, records_wanted in zip(found, want.values(), strict=True):
        if (version, data_type) == ("v1", "index_price"):
            # It cannot read the index prices that it writes; our files are the same: see test_writer_schema.
            assert answer == "NotImplementedError()"
            continue
        assert isinstance(answer, list), answer
        plain = plain_rates if data_type == "funding_rate" else list
        assert in_any_order(plain(answer)) == in_any_order(plain(records_wanted))


@pytest.mark.parametrize("version", VERSIONS)
def test_large_row_groups_come_back_in_order(version: Version, tmp_path: Path) -> None:
    rows = ROW_GROUP_ROWS + 40_000
    time = pl.int_range(0, rows, eager=True)
    raw = ((time * 7919 % 1_000_003) * 10**11).cast(pl.Int128)
    one = pl.DataFrame([raw.alias(n) if t == pl.Int128 else time.alias(n) for n, t in CANONICAL["quote"].items()])
    batches = (one.head(5), one.slice(5, 100_000), one.slice(100_005))
    write(tmp_path, "quote", *batches, price_precision=5, version=version)
    found = (records if version == "v1" else records_v2)(tmp_path, "quote", INSTRUMENT)
    assert [record[3] for record in found] == time.to_list()
    assert [record[1][0][0] for record in found] == raw.to_list()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_depth_of_many_levels_with_order_ids(version: Version, tmp_path: Path) -> None:
    depth = 10 if version == "v1" else 25
    side = [
        {"price": at * 10**16, "size": 10**16, "count": at, "order_id": 0 if version == "v1" else at}
        for at in range(1, depth + 1)
    ]
    one = frame("depth10", [1, 2]).with_columns(bids=pl.Series([side, []], dtype=CANONICAL["depth10"]["bids"]))
    write(tmp_path, "depth10", one, price_precision=2, size_precision=0, version=version)
    [found] = judge(version, [(tmp_path, "depth10")])
    assert found == expected(one, "depth10", INSTRUMENT, 2, 0, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_not_a_number_beside_one_value_is_kept(version: Version, tmp_path: Path) -> None:
    values = {"mark_iv": [0.25, None, float("nan")], "vega": [0.5, float("nan"), 0.5], "delta": [float("nan")] * 3}
    one = frame("greeks", [1, 2, 3]).with_columns(pl.Series(n, v, dtype=pl.Float64) for n, v in values.items())
    write(tmp_path, "greeks", one, version=version)
    [found] = judge(version, [(tmp_path, "greeks", INSTRUMENT)])
    assert json.dumps(found) == json.dumps(expected(one, "greeks", INSTRUMENT, 0, 0, version))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("data_type", "column", "value"),
    [
        ("delta", "price", 10**16),
        ("delta", "size", 10**16),
        ("funding_rate", "interval", 60),
        ("greeks", "bid_iv", 0.5),
    ],
)
def test_nothing_beside_one_value_is_kept(
    data_type: str, column: str, value: Any, version: Version, tmp_path: Path
) -> None:
    values = pl.Series(column, [value, None, value], dtype=CANONICAL[data_type][column])
    one = frame(data_type, [1, 2, 3]).with_columns(values)
    write(tmp_path, data_type, one, version=version)
    [found] = judge(version, [(tmp_path, data_type, INSTRUMENT)])
    assert found == expected(one, data_type, INSTRUMENT, 16, 16, version)
