"""Converting into a bucket and out of it. The server is moto's."""

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from catalog_app.store.commit import durable
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.conversion.convert import convert
from catalog_app.store.filesystem import Held, StoreRoot
from catalog_app.store.instruments.building import build_instrument, write_instrument
from catalog_app.tests.s3_server import bucket, s3_endpoint
from catalog_app.tests.store.conversions import assert_same, contents, write_dataset
from catalog_app.tests.store.frames import INSTRUMENT, frame
from catalog_app.tests.store.trees import tree

__all__ = ["bucket", "s3_endpoint"]


@contextlib.contextmanager
def lock_guard(path: Path) -> Iterator[Held]:
    with durable.locked(path):
        yield lambda: None


def test_a_store_goes_into_a_bucket_and_back(bucket: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    write_dataset(source, "quote", frame("quote", [1, 2, 2]), frame("quote", [5, 9]))
    write_dataset(source, "depth10", frame("depth10", [3, 4]))
    instrument = build_instrument("currency_pair", INSTRUMENT, base_currency="EUR", currency="USD", price_precision=4)
    with Transaction(source, "test", "d") as tx:
        write_instrument(tx, instrument)
        tx.commit()
    target = StoreRoot.at(bucket).guarded(partial(lock_guard, tmp_path / "lease"), scratch=tmp_path / "scratch")
    report = convert(source, target, "v2")
    assert (report.files, report.rows, report.skipped, report.verified) == (4, 8, (), True)
    assert convert(source, target, "v2").resumed == 4
    report = convert(bucket, tmp_path / "back", "v1")
    assert (report.files, report.rows, report.skipped) == (4, 8, ())
    assert_same(contents(source), contents(tmp_path / "back"))
    assert sorted(tree(tmp_path / "back")) == sorted(tree(source))
