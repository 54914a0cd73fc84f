"""The API of operations, maintenance, purge and conversion: permissions, methods, missing rows, and the way through."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from catalog_app.models import Dataset, Job, Store, StoreOperation
from catalog_app.services.tokens import create_token
from catalog_app.tests.api.conftest import BASE, assert_problem
from catalog_app.tests.maintenance.conftest import finish
from catalog_app.tests.maintenance.test_undo import replace_first_file

MISSING = "00000000-0000-0000-0000-000000000000"
CONSOLIDATE = {"kind": "consolidate", "period": "year"}


@pytest.fixture(autouse=True)
def _fresh_rates() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def bearer() -> Callable[..., Client]:
    def make(user: User, *scopes: str) -> Client:
        secret = create_token(user, "-".join(scopes), scopes, days=1).secret
        return Client(headers={"Authorization": f"Bearer {secret}"})

    return make


@pytest.fixture
def reader(trader: User, bearer) -> Client:
    return bearer(trader, "read")


@pytest.fixture
def admin(data_admin: User, bearer) -> Client:
    return bearer(data_admin, "admin")


@pytest.fixture
def operation(store: Store, bar_dataset: Dataset) -> StoreOperation:
    return replace_first_file(store, bar_dataset)


def post(client: Client, path: str, body: object = None, **headers: str):
    return client.post(f"{BASE}{path}", data=body, content_type="application/json", headers=headers)


def test_the_list_has_what_was_changed_newest_first(reader, bar_dataset, operation):
    found = reader.get(f"{BASE}/operations").json()["operations"]
    assert found[0]["operationId"] == str(operation.pk)
    assert (found[0]["kind"], found[0]["path"], found[0]["state"]) == ("delete_range", bar_dataset.path, "committed")
    assert (found[0]["rowsBefore"], found[0]["rowsAfter"], found[0]["fileCountBefore"]) == (500, 0, 1)
    assert "filesBefore" not in found[0]
    assert len(found) == 5


def test_the_list_is_paged_by_cursor_and_filtered(reader, bar_dataset, operation):
    first = reader.get(f"{BASE}/operations", {"limit": 3}).json()
    second = reader.get(f"{BASE}/operations", {"limit": 3, "cursor": first["nextCursor"]}).json()
    keys = [item["operationId"] for item in first["operations"] + second["operations"]]
    assert (len(set(keys)), second["nextCursor"]) == (5, None)
    assert len(reader.get(f"{BASE}/operations", {"kind": "delete_range"}).json()["operations"]) == 1
    assert len(reader.get(f"{BASE}/operations", {"state": "undone"}).json()["operations"]) == 0
    of_dataset = reader.get(f"{BASE}/catalog/datasets/{bar_dataset.pk}/operations").json()["operations"]
    assert [item["operationId"] for item in of_dataset] == [str(operation.pk)]
    assert_problem(reader.get(f"{BASE}/operations", {"store": "elsewhere"}), 404)
    assert_problem(reader.get(f"{BASE}/operations", {"cursor": "nonsense"}), 422, "cursor")
    assert_problem(reader.get(f"{BASE}/operations", {"state": "lost"}), 422)


def test_one_operation_has_its_files_with_hashes(reader, operation):
    found = reader.get(f"{BASE}/operations/{operation.pk}").json()
    (file,) = found["filesBefore"]
    assert file == {name: operation.files_before[0][key] for name, key in FILE_KEYS.items()}
    assert (found["filesAfter"], found["hindrance"]) == ([], "")
    assert_problem(reader.get(f"{BASE}/operations/{MISSING}"), 404)


FILE_KEYS = {"path": "path", "sizeBytes": "size_bytes", "sha256": "sha256", "rows": "rows"}


def test_an_undo_is_a_job(admin, operation):
    response = post(admin, f"/operations/{operation.pk}/undo")
    assert response.status_code == 202
    job = Job.objects.get(pk=response.json()["jobId"])
    assert response["Location"] == f"{BASE}/jobs/{job.pk}"
    assert finish(job).state == "succeeded"
    assert_problem(post(admin, f"/operations/{operation.pk}/undo"), 409, "undone")
    assert_problem(post(admin, f"/operations/{MISSING}/undo"), 404)


def test_the_same_idempotency_key_gives_the_same_undo(admin, operation):
    first = post(admin, f"/operations/{operation.pk}/undo", **{"Idempotency-Key": "one"}).json()
    assert post(admin, f"/operations/{operation.pk}/undo", **{"Idempotency-Key": "one"}).json() == first


def test_maintenance_is_planned_unless_asked_to_be_done(admin, store, bar_dataset):
    body = {"request": CONSOLIDATE, "datasetIds": [str(bar_dataset.pk)]}
    planned = post(admin, f"/stores/{store.pk}/maintain", body)
    done = post(admin, f"/stores/{store.pk}/maintain", {**body, "dryRun": False})
    assert (planned.status_code, done.status_code) == (202, 202)
    first, second = (Job.objects.get(pk=one.json()["jobId"]) for one in (planned, done))
    assert (first.parameters["dryRun"], second.parameters["dryRun"]) == (True, False)
    assert second.parameters["directories"] == [bar_dataset.path]


def test_an_archive_names_its_store_by_id(admin, store, bar_dataset, tmp_path):
    other = Store.objects.create(name="archive", root=str(tmp_path))
    body = {"request": {"kind": "archive", "targetStoreId": other.pk}, "datasetIds": [str(bar_dataset.pk)]}
    job = Job.objects.get(pk=post(admin, f"/stores/{store.pk}/maintain", body).json()["jobId"])
    assert job.parameters["request"]["targetRoot"] == str(tmp_path)
    body["request"]["targetStoreId"] = 999
    assert_problem(post(admin, f"/stores/{store.pk}/maintain", body), 404)


@pytest.mark.parametrize(
    ("request_body", "words"),
    [
        ({"kind": "explode"}, "unknown operation"),
        ({}, "unknown operation"),
        ({"kind": "consolidate"}, "one of target rows"),
        ({"kind": "consolidate", "period": "decade"}, "period must be"),
        ({"kind": "sort_rows", "speed": 9}, "takes no speed"),
        ({"kind": "delete_range", "startNs": 5, "endNs": 1}, "ends before it starts"),
        ({"kind": "delete_range", "startNs": "5", "endNs": 9}, "whole number"),
        ({"kind": "archive", "targetStoreId": "x"}, "targetStoreId"),
        ({"kind": "archive", "targetRoot": "/etc"}, "no registered store"),
        ({"kind": "repair"}, "no rows to repair"),
        (
            {"kind": "repair", "rows": [["f", 0, 1, "g", 0]], "files": [["f", 1, 1]], "sourceRoot": "/etc"}
            | {"sourceFiles": [["g", 1, 1]]},
            "from the list of anomalies",
        ),
    ],
)
def test_wrong_requests_are_refused_with_the_reason(admin, store, bar_dataset, request_body, words):
    body = {"request": request_body, "datasetIds": [str(bar_dataset.pk)]}
    assert_problem(post(admin, f"/stores/{store.pk}/maintain", body), 422, words)
    assert not Job.objects.exists()


def test_datasets_of_another_store_are_not_found(admin, store, bar_dataset, tmp_path):
    other = Store.objects.create(name="other", root=str(tmp_path))
    body = {"request": CONSOLIDATE, "datasetIds": [str(bar_dataset.pk)]}
    assert_problem(post(admin, f"/stores/{other.pk}/maintain", body), 404, "no dataset")
    assert_problem(post(admin, "/stores/999/maintain", body), 404)
    assert_problem(post(admin, f"/stores/{store.pk}/maintain", {"request": CONSOLIDATE, "datasetIds": []}), 422)


def test_a_read_only_store_conflicts(admin, store, bar_dataset):
    Store.objects.filter(pk=store.pk).update(read_only=True)
    body = {"request": CONSOLIDATE, "datasetIds": [str(bar_dataset.pk)], "dryRun": False}
    assert_problem(post(admin, f"/stores/{store.pk}/maintain", body), 409, "read-only")
    assert_problem(post(admin, f"/stores/{store.pk}/purge", {"olderThanDays": 0}), 409, "read-only")


def test_a_purge_is_a_job(admin, store, operation):
    response = post(admin, f"/stores/{store.pk}/purge", {"operationIds": [str(operation.pk)]})
    assert response.status_code == 202
    assert finish(Job.objects.get(pk=response.json()["jobId"])).result["operations"] == 1
    assert_problem(post(admin, f"/stores/{store.pk}/purge", {}), 422, "age in days")
    assert_problem(post(admin, f"/stores/{store.pk}/purge", {"olderThanDays": -1}), 422)
    assert_problem(post(admin, f"/stores/{store.pk}/purge", {"olderThanDays": 3}), 422, "Nothing like that")


def test_a_conversion_is_a_job_after_its_target_was_judged(admin, store, bar_dataset, tmp_path):
    body = {"targetRoot": str(tmp_path / "v2"), "to": "v2", "datasetIds": [str(bar_dataset.pk)]}
    job = Job.objects.get(pk=post(admin, f"/stores/{store.pk}/convert", body).json()["jobId"])
    assert (job.kind, job.parameters["dryRun"], job.parameters["directories"]) == ("convert", True, [bar_dataset.path])
    for target, words in [
        (store.root, "the store itself"),
        (f"{store.root}/inside", "the store itself"),
        (str(tmp_path), "the store itself"),
        (str(tmp_path / "no" / "where"), "is no directory"),
        ("ftp://x/y", "local directory or s3"),
    ]:
        assert_problem(post(admin, f"/stores/{store.pk}/convert", {**body, "targetRoot": target}), 422, words)
    assert_problem(post(admin, f"/stores/{store.pk}/convert", {**body, "to": "v3"}), 422)


WAYS = ("/operations/{operation}/undo", "/stores/{store}/maintain", "/stores/{store}/convert", "/stores/{store}/purge")


@pytest.mark.parametrize("way", WAYS)
def test_only_an_admin_token_of_a_data_admin_changes_anything(
    way, client, reader, data_admin, bearer, analyst, store, operation
):
    path = way.format(operation=operation.pk, store=store.pk)
    assert_problem(post(client, path, {}), 401)
    for other in (reader, bearer(analyst, "read", "import"), bearer(data_admin, "read")):
        assert_problem(post(other, path, {}), 403)
    assert not Job.objects.exists()


def test_the_history_needs_its_permission(nobody_client, operation, bar_dataset):
    for path in ("/operations", f"/operations/{operation.pk}", f"/catalog/datasets/{bar_dataset.pk}/operations"):
        assert_problem(nobody_client.get(f"{BASE}{path}"), 403)
