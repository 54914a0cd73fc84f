"""Conversion as a job: a preview, a new registered store with equal rows, and going on after a stop."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog_app.models import Dataset, Job, Store, StoreOperation
from catalog_app.models.job import JobState
from catalog_app.services.errors import Conflict
from catalog_app.services.maintenance.conversion import ConversionRefused, request_conversion, request_conversion_of
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.instruments.building import build_instrument, write_instrument
from catalog_app.tests.maintenance.conftest import files_of, finish, rows_of


@pytest.fixture
def source(store: Store) -> Store:
    """The store, with the definitions that a conversion needs."""
    with Transaction(store.root, "import", "data") as tx:
        for name, base in (("GBP/USD.SIM", "GBP"), ("EUR/USD.SIM", "EUR")):
            facts = {"currency": "USD", "base_currency": base, "price_precision": 5, "size_precision": 0}
            write_instrument(tx, build_instrument("currency_pair", name, **facts))
        tx.commit()
    sync_store(store)
    return store


@pytest.fixture
def target(tmp_path: Path) -> str:
    return str(tmp_path / "catalog-v2")


def test_a_preview_writes_nothing_and_its_run_makes_a_registered_store(
    source: Store, target: str, data_admin: User, data_admin_client: Client
) -> None:
    before = files_of(source)
    asked = finish(request_conversion(source, target, "v2", data_admin, dry_run=True))
    assert asked.state == JobState.SUCCEEDED, asked.error
    assert asked.result["rows"] >= 1600
    assert not Path(target).exists()

    job = finish(request_conversion_of(asked, data_admin))

    assert job.state == JobState.SUCCEEDED, job.error
    assert (job.result["verified"], job.result["skippedCount"]) == (True, 0)
    made = Store.objects.get(root=target)
    assert {row.dialect for row in made.datasets.all()} == {"v2"}
    for dataset in source.datasets.select_related("store"):
        twin = made.datasets.select_related("store").get(
            data_type=dataset.data_type, instrument_id=dataset.instrument_id
        )
        assert rows_of(twin).equals(rows_of(dataset))
    assert made.instruments.filter(is_defined=True).count() == 2
    recorded = made.operations.filter(kind="convert")
    assert recorded.exists()
    assert {(item.user, item.job) for item in recorded} == {(data_admin, job)}
    assert set(job.result["datasetIds"]) == {str(key) for key in made.datasets.values_list("pk", flat=True)}
    assert files_of(source) == before
    page = data_admin_client.get(reverse("manage:job", args=[job.pk])).content.decode()
    assert "read back and compared" in page
    assert made.name in page


def test_only_the_chosen_datasets_are_converted(source, bar_dataset, target, data_admin) -> None:
    job = finish(request_conversion(source, target, "v2", data_admin, datasets=[bar_dataset], dry_run=False))
    assert job.state == JobState.SUCCEEDED, job.error
    assert [row.data_type for row in Store.objects.get(root=target).datasets.all()] == ["bar"]


def test_a_repeated_conversion_finds_everything_done(source, target, data_admin) -> None:
    first = finish(request_conversion(source, target, "v2", data_admin, dry_run=False))
    before = files_of(Store.objects.get(root=target))
    again = finish(request_conversion(source, target, "v2", data_admin, dry_run=False))
    assert again.result["resumed"] == again.result["files"] == first.result["files"]
    assert files_of(Store.objects.get(root=target)) == before
    assert Store.objects.filter(root=target).count() == 1


def test_a_copy_of_synthetic_data_is_labelled_too(source, target, data_admin) -> None:
    Store.objects.filter(pk=source.pk).update(is_demo=True)
    finish(request_conversion(source, target, "v2", data_admin, dry_run=False))
    assert Store.objects.get(root=target).is_demo


def test_a_read_only_store_can_be_converted(source, target, data_admin) -> None:
    Store.objects.filter(pk=source.pk).update(read_only=True)
    job = finish(request_conversion(source, target, "v2", data_admin, dry_run=False))
    assert job.state == JobState.SUCCEEDED, job.error


def test_targets_that_cannot_be_are_refused(source, data_admin, tmp_path, settings) -> None:
    (tmp_path / "file").write_text("x")
    other = register_store(tmp_path / "other", name="other", read_only=True)
    settings.DATACATALOG_HOME = tmp_path / "home"
    (tmp_path / "home").mkdir()
    for target, words in [
        (source.root, "the store itself"),
        (f"{source.root}/data/x", "the store itself"),
        (str(Path(source.root).parent), "the store itself"),
        (other.root, "read-only"),
        (str(tmp_path / "file"), "no directory"),
        (str(tmp_path / "a" / "b"), "no directory"),
        (str(tmp_path / "home" / "x"), "own files"),
    ]:
        with pytest.raises(ConversionRefused, match=words):
            request_conversion(source, target, "v2", data_admin, dry_run=False)
    assert not Job.objects.exists()


def test_datasets_of_another_store_are_refused(source, target, data_admin, tmp_path) -> None:
    other = Store.objects.create(name="other", root=str(tmp_path / "other"))
    foreign = Dataset.objects.create(store=other, path="data/bar/x", data_type="bar")
    with pytest.raises(ConversionRefused, match="only"):
        request_conversion(source, target, "v2", data_admin, datasets=[foreign], dry_run=False)


def test_only_a_finished_preview_can_be_run(source, target, data_admin) -> None:
    waiting = request_conversion(source, target, "v2", data_admin, dry_run=True)
    with pytest.raises(Conflict, match="no finished preview"):
        request_conversion_of(waiting, data_admin)
    asked = finish(waiting)
    assert request_conversion_of(asked, data_admin) == request_conversion_of(asked, data_admin)


def test_a_target_that_holds_other_data_fails_and_stays(source, data_admin, tmp_path) -> None:
    foreign = tmp_path / "elsewhere" / "data" / "quote_tick" / "X.SIM"
    foreign.mkdir(parents=True)
    (foreign / "somebody.parquet").write_bytes(b"theirs")
    job = finish(request_conversion(source, str(tmp_path / "elsewhere"), "v2", data_admin, dry_run=False))
    assert job.state == JobState.FAILED
    assert (foreign / "somebody.parquet").read_bytes() == b"theirs"
    assert not Store.objects.filter(root=str(tmp_path / "elsewhere")).exists()
    assert not StoreOperation.objects.filter(kind="convert").exists()


def test_the_form_leads_to_a_preview(source, bar_dataset, target, data_admin_client) -> None:
    url = reverse("manage:convert")
    page = data_admin_client.get(url, {"dataset": bar_dataset.pk}).content.decode()
    assert str(bar_dataset) in page
    assert f'value="{source.root}-v2"' in page
    form = {"store": source.pk, "datasets": str(bar_dataset.pk), "to": "v2", "target": target}
    response = data_admin_client.post(url, form)
    job = Job.objects.get(kind="convert")
    assert response.url == reverse("manage:job", args=[job.pk])
    assert (job.parameters["dryRun"], job.parameters["directories"]) == (True, [bar_dataset.path])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": "relative/path"}, "absolute path"),
        ({"target": "ftp://x"}, "absolute path"),
        ({"target": "/proc/nowhere/at/all"}, "no directory"),
        ({"target": ""}, "required"),
        ({"to": "v3"}, "not one of the available choices"),
        ({"store": "77"}, "not one of the available choices"),
        ({"datasets": "nonsense"}, "no datasets"),
    ],
)
def test_what_is_wrong_with_the_form_is_said(source, target, data_admin_client, changes, words) -> None:
    form = {"store": source.pk, "datasets": "", "to": "v2", "target": target, **changes}
    response = data_admin_client.post(reverse("manage:convert"), form)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Job.objects.exists()
