"""A store in a bucket: import, maintenance, undo and purge go through the lease on the whole store."""

from collections.abc import Iterator
from uuid import uuid4

import polars as pl
import pytest
from django.contrib.auth.models import User
from moto.server import ThreadedMotoServer
from pyarrow.fs import S3FileSystem

from catalog_app.models import DatasetLease, Store, StoreOperation
from catalog_app.models.job import JobState
from catalog_app.services import leases
from catalog_app.services.jobs import run_inline
from catalog_app.services.maintenance import access
from catalog_app.services.maintenance.access import STORE_LEASE, writable
from catalog_app.services.maintenance.requesting import request_maintenance
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.maintenance import Consolidate
from catalog_app.store.reader import scan
from catalog_app.store.writer import DatasetWriter
from catalog_app.tests.maintenance.conftest import Runner, finish
from catalog_app.tests.pages.conftest import BAR_TYPE, bars


@pytest.fixture
def store(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Bars in two objects of an empty bucket of a server of our own, synced."""
    bucket = f"desk-{uuid4().hex}"  # the servers of one process share their buckets
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    settings = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "us-east-1"}
    for name, value in {**settings, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}.items():
        monkeypatch.setenv(name, value)
    try:
        address = {"endpoint_override": f"http://{host}:{port}", "region": "us-east-1"}
        S3FileSystem(allow_bucket_creation=True, **address).create_dir(bucket)
        store = register_store(f"s3://{bucket}/catalog", name="bucket")
        for first in (0, 100):
            _write(writable(store, uuid4(), "a test"), bars(first, 100))
        sync_store(store)
        yield store
    finally:
        server.stop()


def _write(root: StoreRoot, frame: pl.DataFrame) -> None:
    with Transaction(root, "import", "data/bar/GBPUSD.SIM-1-MINUTE-BID-EXTERNAL") as tx:
        writer = DatasetWriter(tx, "bar", "GBP/USD.SIM", bar_type=BAR_TYPE, price_precision=5, size_precision=0)
        writer.write(frame)
        writer.finish()
        tx.commit()


def _rows(store: Store) -> pl.DataFrame:
    paths = list(store.files.order_by("path").values_list("path", flat=True))
    return scan(store.root, paths, "bar").collect()


def test_maintenance_undo_and_purge(store: Store, data_admin: User, do: Runner) -> None:
    (dataset,) = store.datasets.select_related("store")
    rows = _rows(store)

    job = finish(request_maintenance([dataset], Consolidate(period="year"), data_admin, dry_run=False))

    assert job.state == JobState.SUCCEEDED, job.error
    dataset.refresh_from_db()
    assert (dataset.file_count, dataset.record_count) == (1, 200)
    assert _rows(store).equals(rows)
    operation = StoreOperation.objects.get(kind="consolidate")
    do("undo", operationId=str(operation.pk))
    dataset.refresh_from_db()
    assert dataset.file_count == 2
    assert _rows(store).equals(rows)
    purged = do("purge", storeId=store.pk, operationIds=[str(operation.pk)])
    assert purged.result["files"] == 2
    assert not DatasetLease.objects.exists()


def test_a_commit_waits_for_whoever_changes_the_store_and_gives_up_in_the_end(store, data_admin, monkeypatch) -> None:
    monkeypatch.setattr(access, "COMMIT_PATIENCE_SECONDS", 0.0)
    (dataset,) = store.datasets.select_related("store")
    request = request_maintenance([dataset], Consolidate(period="year"), data_admin, dry_run=False)
    with leases.hold(store, [STORE_LEASE], uuid4(), "somebody's commit"):
        job = finish(request)
    assert job.state == JobState.FAILED
    assert "somebody's commit" in job.error
    assert store.files.count() == 2


def test_a_lost_lease_on_the_store_stops_the_commit(store: Store, data_admin: User) -> None:
    claim = uuid4()
    root = writable(store, claim, "a test")
    assert root.guard is not None
    with root.guard() as held:
        held()
        DatasetLease.objects.all().delete()
        with pytest.raises(StoreError, match="expired before the commit"):
            held()


def test_a_preview_needs_no_lease(store: Store, data_admin: User) -> None:
    (dataset,) = store.datasets.select_related("store")
    with leases.hold(store, [STORE_LEASE, dataset.path], uuid4(), "somebody's commit"):
        job = finish(request_maintenance([dataset], Consolidate(period="year"), data_admin, dry_run=True))
    assert job.result["plans"][0]["filesAfter"] == 1


def test_a_recovery_of_a_sound_bucket(store: Store, data_admin: User) -> None:
    assert run_inline("recover", {"storeId": store.pk}, data_admin).result["recovered"] == []
