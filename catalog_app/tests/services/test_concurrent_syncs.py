"""Several imports and syncs of one store may end at the same time."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from catalog_app.models import Store
from catalog_app.services.stores import register_store
from catalog_app.services.sync import SyncReport, sync_store
from catalog_app.tests.market import market_path


@pytest.mark.django_db(transaction=True)
def test_syncs_at_the_same_time_agree(tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(market_path("stores/nautilus-1.231"), root, copy_function=shutil.copy)
    root.chmod(0o755)
    store = register_store(root)

    def run(_: int) -> SyncReport:
        try:
            return sync_store(Store.objects.get(pk=store.pk))
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        reports = list(pool.map(run, range(6)))

    assert {report.datasets for report in reports} == {store.datasets.count()}
    assert store.files.count() == reports[0].files
    assert sum(row.record_count or 0 for row in store.datasets.all()) == 11_788 + 22_750 + 130 + 13_786 + 10
