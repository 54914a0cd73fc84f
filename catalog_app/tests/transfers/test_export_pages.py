"""The export wizard."""

from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from catalog_app.models import Dataset, Export, Job
from catalog_app.services.jobs import run_job
from catalog_app.tests.transfers.conftest import GOOD, Importer, bars

NEW = reverse("exports:new")


@pytest.fixture
def dataset(import_text: Importer) -> Dataset:
    item, _ = import_text(bars(*GOOD))
    assert item.dataset is not None
    return item.dataset


def _form(dataset: Dataset, **changes: str) -> dict[str, str]:
    return {"dataset": str(dataset.pk), "export_format": "csv", "compression": "none", **changes}


def test_choose_range_and_format_and_the_job_writes_the_file(trader_client: Client, dataset: Dataset) -> None:
    assert "1.10" not in trader_client.get(NEW, {"dataset": dataset.pk}).content.decode()

    response = trader_client.post(NEW, _form(dataset, start="2024-01-02", end="2024-01-02"))

    job = Job.objects.get(kind="export")
    assert response["Location"] == reverse("jobs:detail", args=[job.pk])
    run_job(job.pk)
    assert Export.objects.get().record_count == 3
    download = trader_client.get(reverse("jobs:download", args=[job.pk]))
    assert b"".join(download.streaming_content).count(b"\n") == 4


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"start": "yesterday"}, "is not a time in UTC"),
        ({"start": "2024-13-01"}, "is not a time"),
        ({"start": "2024-01-03", "end": "2024-01-02"}, "ends before it starts"),
        ({"compression": "zstd"}, "can be compressed with"),
        ({"export_format": "exe"}, "valid choice"),
    ],
)
def test_an_impossible_export_is_refused_with_its_reason(
    trader_client: Client, dataset: Dataset, change: dict[str, str], reason: str
) -> None:
    response = trader_client.post(NEW, _form(dataset, **change))

    assert response.status_code == 422
    assert reason in response.content.decode()
    assert not Export.objects.exists()


def test_who_may_export(client: Client, nobody_client: Client, trader_client: Client, dataset: Dataset) -> None:
    assert client.get(NEW).status_code == 302
    assert nobody_client.get(NEW).status_code == 403
    assert nobody_client.post(NEW, _form(dataset)).status_code == 403
    assert trader_client.get(NEW).status_code == 200


@pytest.mark.parametrize("key", [str(UUID(int=1)), "not-a-uuid", "../../etc"])
def test_a_dataset_that_is_not_there_is_not_found(trader_client: Client, dataset: Dataset, key: str) -> None:
    assert trader_client.get(NEW, {"dataset": key}).status_code == 404
