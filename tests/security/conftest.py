"""A desk with one of everything, owned by a user of its own, and all of its addresses."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from catalog_app.models import ApiToken, Dataset, Export, Import, Instrument, Job, Store, StoreOperation, Upload
from catalog_app.services.tokens import create_token
from catalog_app.tests.pages.conftest import store, store_root  # noqa: F401 - fixtures
from quality_app.models import QualityRule, QualityRuleChange, Schedule, Suppression
from tests.security.addresses import Address, admin_model, every_address
from tests.security.quality_rows import MODELS as QUALITY_MODELS
from tests.security.quality_rows import make_quality_rows

# Stands in names that only people with permissions may read.
MARK = "confidential"
CSV = (
    "timestamp,open,high,low,close,volume\n"
    "2024-01-02 10:00:00,1.10000,1.10020,1.09990,1.10010,5\n"
    "2024-01-02 10:01:00,1.10010,1.10030,1.10000,1.10020,7\n"
)


@dataclass(frozen=True)
class World:
    """Rows that exist, all of them the owner's."""

    owner: User
    store: Store
    dataset: Dataset
    instrument: Instrument
    upload: Upload
    running: Job
    failed: Job
    export: Export
    item: Import
    token: ApiToken
    operation: StoreOperation
    preview: Job
    quality: dict[str, Any]

    def key(self, route: str, parameter: str) -> Any:
        """The key that a path parameter of a route stands for."""
        if route.startswith("admin/"):
            return self._admin_key(route, parameter)
        by_route = {
            "catalog/instruments/<int:pk>/": self.instrument.pk,
            "catalog/stores/<int:pk>/sync/": self.store.pk,
            "catalog/manage/stores/<int:pk>/purge/": self.store.pk,
            "catalog/manage/jobs/<uuid:job_id>/": self.preview.pk,
            "catalog/manage/jobs/<uuid:job_id>/run/": self.preview.pk,
            "account/tokens/<int:pk>/revoke/": self.token.pk,
            "jobs/<uuid:job_id>/download/": self.export.job_id,
        }
        by_parameter = {
            "catalog_id": self.dataset.pk,
            "dataset_id": self.dataset.pk,
            "store_id": self.store.pk,
            "upload_id": self.upload.pk,
            "job_id": self.running.pk,
            "export_id": self.export.pk,
            "import_id": self.item.pk,
            "instrument": "GBPUSD.SIM",
            "operation_id": self.operation.pk,
            "pk": self.store.pk,
            "kind": "backtest",
            "instance_id": "nothing",
            "rest": "nothing/here",
            **self.quality,
        }
        return (by_route | self.quality).get(route) or by_parameter[parameter]

    def _admin_key(self, route: str, parameter: str) -> Any:
        if parameter == "content_type_id":
            return 1
        if parameter == "object_id" and route.startswith("admin/r/"):
            return 1
        if parameter == "change_id":
            return QualityRuleChange.objects.values_list("pk", flat=True).first()
        if parameter == "id":
            return self.owner.pk
        return admin_model(route).objects.order_by("pk").first().pk

    def state(self) -> dict[str, Any]:
        """What a request that is refused, or only reads, must leave as it is."""
        models = (User, Store, Dataset, Upload, Job, Export, Import, ApiToken, StoreOperation, *QUALITY_MODELS)
        return {
            **{
                model.__name__: sorted(str(pk) for pk in model.objects.values_list("pk", flat=True)) for model in models
            },
            "rules": list(QualityRule.objects.values_list("mode", "note")),
            "suppressions": list(Suppression.objects.values_list("reason", "ended_at")),
            "schedules": list(Schedule.objects.values_list("name", "enabled", "last_run_at")),
            "jobs": sorted(Job.objects.values_list("title", "state", "cancel_requested")),
            "tokens": sorted(ApiToken.objects.values_list("name", "revoked_at")),
            "uploads": sorted(path.name for path in settings.UPLOADS_DIR.iterdir()),
        }


@pytest.fixture
def owner(make_user: Callable[..., User]) -> User:
    return make_user("owner", "Data admin")


@pytest.fixture
def world(store: Store, owner: User) -> World:  # noqa: F811 - the fixture
    store.name = f"{MARK}-store"
    store.save()
    dataset = Dataset.objects.get(store=store, data_type="bar")
    assert dataset.definition is not None
    running = Job.objects.create(kind="sync", title=f"{MARK} sync", user=owner, parameters={"storeId": store.pk})
    failed = Job.objects.create(kind="sync", title=f"{MARK} again", user=owner, state="failed", error=f"{MARK} error")
    failed.lines.create(text=f"{MARK} line")
    upload, export = _upload(owner), _export(owner, dataset)
    item = Import.objects.create(
        upload=upload,
        store=store,
        created_by=owner,
        job=failed,
        parameters={"instrumentId": f"{MARK}.SIM"},
        rejected_rows=[{"line": 2, "reason": f"{MARK} reason", "text": ""}],
    )
    operation = StoreOperation.objects.create(store=store, kind="import", path=dataset.path, user=owner)
    preview = Job.objects.create(
        kind="maintain", title=f"{MARK} preview", user=owner, parameters={"storeId": store.pk, "dryRun": True}
    )
    token = create_token(owner, f"{MARK} token", ["read"], 7).token
    return World(
        owner, store, dataset, dataset.definition, upload, running, failed, export, item, token, operation, preview,
        make_quality_rows(dataset, owner, MARK),
    )  # fmt: skip


def _upload(owner: User) -> Upload:
    key = uuid.uuid4()
    path = settings.UPLOADS_DIR / key.hex
    path.write_text(CSV)
    return Upload.objects.create(
        upload_id=key,
        original_name=f"{MARK}.csv",
        file_path=str(path),
        size_bytes=len(CSV),
        sha256=hashlib.sha256(CSV.encode()).hexdigest(),
        user=owner,
    )


def _export(owner: User, dataset: Dataset) -> Export:
    job = Job.objects.create(kind="export", title=f"{MARK} export", user=owner, state="succeeded")
    export = Export.objects.create(
        export_type="csv",
        dataset=dataset,
        created_by=owner,
        job=job,
        status="succeeded",
        completed_at=timezone.now(),
        file_size_bytes=len(CSV),
        sha256=hashlib.sha256(CSV.encode()).hexdigest(),
    )
    directory: Path = settings.EXPORTS_DIR / export.pk.hex
    directory.mkdir()
    (directory / f"{MARK}.csv").write_text(CSV)
    export.file_path = str(directory / f"{MARK}.csv")
    export.save()
    return export


@pytest.fixture
def addresses(world: World) -> list[Address]:
    """Every address of the project, of the world's rows."""
    assert Group.objects.exists()
    return every_address(world.key)


@pytest.fixture(autouse=True)
def unthrottled() -> None:
    """These tests ask more often than the API allows to one caller in a minute."""
    cache.clear()


@pytest.fixture
def superuser(make_user: Callable[..., User]) -> User:
    user = make_user("root", is_staff=True)
    user.is_superuser = True
    user.save()
    return user


@pytest.fixture
def superuser_client(superuser: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(superuser)
    return client
