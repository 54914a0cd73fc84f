"""Stores in a bucket: checked when they are registered, listed, read and watched like local ones."""

from pathlib import Path

import pytest
from pyarrow.fs import LocalFileSystem, copy_files

from catalog_app.models import Store
from catalog_app.models.dataset import IndexState
from catalog_app.services import changes, watch
from catalog_app.services.preview import row_page
from catalog_app.services.series import build_series
from catalog_app.services.store_roots import RootRefused, check_root
from catalog_app.services.stores import find_store, register_store
from catalog_app.services.sync import sync_store
from catalog_app.store.filesystem import StoreRoot
from catalog_app.tests.market import market_path
from catalog_app.tests.s3_server import bucket, s3_endpoint  # noqa: F401

QUOTES = "data/quote_tick/EURUSD.SIM"


@pytest.fixture
def bucket_store(db: None, bucket: str) -> Store:  # noqa: F811
    """A copy of the store that NautilusTrader 1.231.0 wrote, in a bucket."""
    root = StoreRoot.at(bucket)
    copy_files(
        str(market_path("stores/nautilus-1.231")),
        root.full(),
        source_filesystem=LocalFileSystem(),
        destination_filesystem=root.fs,
    )
    return register_store(check_root(bucket))


def test_it_is_synced_with_its_true_counts(bucket_store: Store) -> None:
    report = sync_store(bucket_store)

    assert (report.unreadable, report.unsupported, report.pending) == ([], [], 0)
    assert sum(row.record_count or 0 for row in bucket_store.datasets.all()) == 48_464
    assert bucket_store.instruments.filter(is_defined=True).count() == 6
    assert {row.state for row in bucket_store.files.all()} == {IndexState.OK}


def test_nothing_is_read_again_until_it_changes(bucket_store: Store) -> None:
    sync_store(bucket_store)
    assert (sync_store(bucket_store).added, sync_store(bucket_store).changed) == (0, 0)


def test_its_rows_and_chart_are_shown(bucket_store: Store) -> None:
    sync_store(bucket_store)
    quotes = bucket_store.datasets.select_related("store").get(path=QUOTES)

    assert row_page(quotes, 9_499).rows[0]["ts_init"] == quotes.end_ns
    series = build_series(quotes)
    assert series is not None
    assert series.rows == 9_500


def test_a_new_object_is_noticed_by_a_look(bucket_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_listeners", [])
    monkeypatch.setattr(watch, "_memories", {})
    sync_store(bucket_store)
    root = StoreRoot.at(bucket_store.root)
    (source,) = bucket_store.files.filter(dataset__path=QUOTES).values_list("path", flat=True)
    name = "2024-01-01T00-00-00-000000000Z_2024-01-02T00-00-00-000000000Z.parquet"
    root.fs.copy_file(root.full(source), root.full(f"{QUOTES}/{name}"))

    watch.watch_stores()
    assert bucket_store.datasets.get(path=QUOTES).file_count == 2

    root.fs.delete_file(root.full(f"{QUOTES}/{name}"))
    watch.watch_stores()  # a bucket is not listed at every look
    assert bucket_store.datasets.get(path=QUOTES).file_count == 2
    for memory in watch._memories.values():
        memory.listed_at = None
    watch.watch_stores()
    assert bucket_store.datasets.get(path=QUOTES).file_count == 1


def test_a_bucket_is_named_by_its_place(bucket_store: Store) -> None:
    name = bucket_store.root.removeprefix("s3://").partition("/")[0]
    assert bucket_store.name == name
    assert find_store(bucket_store.root) == bucket_store


@pytest.mark.parametrize(
    ("root", "told"),
    [
        ("s3://key:secret@bucket/catalog", "credentials belong into the environment"),
        ("s3://", "give s3://bucket/prefix"),
        ("https://bucket.s3.amazonaws.com/catalog", "absolute path"),
    ],
)
def test_an_address_that_is_no_store_is_refused_without_its_secrets(root: str, told: str) -> None:
    with pytest.raises(RootRefused, match=told) as refusal:
        check_root(root)
    assert "secret" not in str(refusal.value)


def test_a_bucket_that_is_not_there_is_refused(s3_endpoint: str) -> None:  # noqa: F811
    with pytest.raises(RootRefused, match="There is no bucket nowhere"):
        check_root("s3://nowhere/catalog")


def test_a_server_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden-key")
    with pytest.raises(RootRefused, match="cannot be read") as refusal:
        check_root("s3://bucket/catalog")
    assert "hidden-key" not in str(refusal.value)
