"""The historical data manager and the history: who sees what, and the way from choice to undo."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from catalog_app.models import DataFile, Dataset, Job, Store, StoreOperation
from catalog_app.services import operations
from catalog_app.services.maintenance.requesting import request_maintenance
from catalog_app.store.maintenance import Consolidate
from catalog_app.tests.maintenance.conftest import Runner, finish
from catalog_app.tests.maintenance.test_undo import replace_first_file

HTMX = {"HX-Request": "true"}
PREVIEW = {
    "plans": [
        {
            "directory": "data/bar/X",
            "datasetId": None,
            "title": "<b>X</b> bars",
            "fingerprint": "f" * 64,
            "filesBefore": 300,
            "filesAfter": 2,
            "rowsBefore": 5000,
            "rowsAfter": 4990,
            "rowsChange": -10,
            "bytesBefore": 4096,
            "bytesAfter": 1024,
            "bytesExact": False,
            "untouchedFiles": 7,
            "isNoop": False,
            "notes": ["Two files stay as they are."],
            "before": [{"path": "a.parquet", "rows": 3, "sizeBytes": 9, "startNs": "1", "endNs": "2"}],
            "after": [{"path": "b.parquet", "rows": 3, "sizeBytes": None, "startNs": "1", "endNs": "2"}],
        },
        {"directory": "data/bar/Y", "datasetId": None, "title": "Y bars", "error": "Y cannot be read."},
    ],
    "totals": {
        "filesBefore": 300,
        "filesAfter": 2,
        "rowsBefore": 5000,
        "rowsAfter": 4990,
        "bytesBefore": 4096,
        "bytesAfter": 1024,
        "bytesExact": False,
        "datasets": 1,
        "noops": 0,
        "errors": 1,
    },
    "datasetIds": [],
}


@pytest.fixture
def operation(store: Store, bar_dataset: Dataset) -> StoreOperation:
    return replace_first_file(store, bar_dataset)


@pytest.fixture
def preview(store: Store, bar_dataset: Dataset, data_admin: User) -> Job:
    """A finished preview, its plans as a job keeps them."""
    job = request_maintenance([bar_dataset], Consolidate(period="year"), data_admin, dry_run=True)
    Job.objects.filter(pk=job.pk).update(state="succeeded", result=PREVIEW)
    job.refresh_from_db()
    return job


@pytest.fixture
def address(store, bar_dataset, operation, preview):
    addresses = {
        "datasets": reverse("manage:datasets"),
        "new": f"{reverse('manage:new')}?kind=consolidate&dataset={bar_dataset.pk}",
        "convert": reverse("manage:convert"),
        "job": reverse("manage:job", args=[preview.pk]),
        "run": reverse("manage:run", args=[preview.pk]),
        "purge": reverse("manage:purge", args=[store.pk]),
        "undo": reverse("manage:undo", args=[operation.pk]),
        "operations": reverse("manage:operations"),
        "operation": reverse("manage:operation", args=[operation.pk]),
    }
    return addresses.__getitem__


def html_of(response) -> str:
    assert response.status_code == 200, response.content[:500]
    return response.content.decode()


@pytest.mark.parametrize("page", ["datasets", "new", "convert", "job", "operations", "operation"])
def test_a_data_admin_sees_every_page_and_nothing_is_inline(data_admin_client, address, page):
    response = data_admin_client.get(address(page))
    html = html_of(response)
    assert "unsafe" not in response["Content-Security-Policy"]
    for inline in ("style=", "<style", "onclick", "hx-on", "javascript:"):
        assert inline not in html


@pytest.mark.parametrize("page", ["operations", "operation"])
def test_traders_and_analysts_see_the_history_and_no_way_to_change(trader_client, analyst_client, address, page):
    for client in (trader_client, analyst_client):
        html = html_of(client.get(address(page)))
        assert "undo-now" not in html
        assert "Purge trash" not in html


@pytest.mark.parametrize("page", ["datasets", "new", "convert", "job"])
def test_traders_and_analysts_do_not_get_to_the_manager(trader_client, analyst_client, address, page):
    for client in (trader_client, analyst_client):
        assert client.get(address(page)).status_code == 403


@pytest.mark.parametrize("page", ["run", "purge", "undo", "new", "convert"])
def test_traders_analysts_and_strangers_change_nothing(
    client, nobody_client, trader_client, analyst_client, address, page
):
    jobs = Job.objects.count()
    for other in (nobody_client, trader_client, analyst_client):
        assert other.post(address(page)).status_code == 403
    assert client.post(address(page)).status_code == 302
    assert Job.objects.count() == jobs


@pytest.mark.parametrize("page", ["run", "purge", "undo"])
def test_reading_changes_nothing(data_admin_client, address, page):
    assert data_admin_client.get(address(page)).status_code == 405


def test_the_rail_leads_to_what_a_user_may_do(data_admin_client, trader_client, nobody_client, store):
    assert reverse("manage:datasets") in html_of(data_admin_client.get(reverse("overview")))
    html = html_of(trader_client.get(reverse("overview")))
    assert f'href="{reverse("manage:operations")}"' in html
    assert f'href="{reverse("manage:datasets")}"' not in html


def test_the_table_says_what_files_cost_and_what_is_wrong(data_admin_client, bar_dataset):
    first = bar_dataset.files.order_by("path").first()
    DataFile.objects.filter(pk=first.pk).update(name_end_ns=5, end_ns=first.end_ns + 10**15)
    html = html_of(data_admin_client.get(reverse("manage:datasets")))
    assert "2 overlapping" in html
    assert "1 misnamed" in html
    assert f"kind=split_overlaps&amp;dataset={bar_dataset.pk}" in html


@pytest.mark.parametrize(("problem", "found"), [("names", True), ("small", False), ("overlaps", False), ("x", False)])
def test_the_table_can_be_narrowed_to_a_problem(data_admin_client, bar_dataset, problem, found):
    bar_dataset.files.update(name_end_ns=5)
    html = html_of(data_admin_client.get(reverse("manage:datasets"), {"problem": problem}))
    assert (f'value="{bar_dataset.pk}"' in html) == found


def test_many_small_files_are_a_problem(data_admin_client, bar_dataset):
    files = [
        DataFile(store=bar_dataset.store, dataset=bar_dataset, path=f"x{n}", size_bytes=10, mtime_ns=1)
        for n in range(8)
    ]
    DataFile.objects.bulk_create(files)
    html = html_of(data_admin_client.get(reverse("manage:datasets"), {"problem": "small"}))
    assert "11 small" in html


def test_the_table_costs_a_constant_number_of_queries(
    data_admin_client, store, bar_dataset, django_assert_max_num_queries
):
    for number in range(60):
        dataset = Dataset.objects.create(store=store, path=f"data/bar/{number}", data_type="bar")
        DataFile.objects.create(store=store, dataset=dataset, path=f"{number}", size_bytes=1, mtime_ns=1)
    data_admin_client.get(reverse("manage:datasets"))
    with django_assert_max_num_queries(16):
        html_of(data_admin_client.get(reverse("manage:datasets")))


def test_htmx_gets_the_results_alone_with_an_address_of_their_own(data_admin_client, store):
    response = data_admin_client.get(reverse("manage:datasets"), {"venue": "SIM", "q": ""}, headers=HTMX)
    assert "<html" not in html_of(response)
    assert response["HX-Push-Url"] == f"{reverse('manage:datasets')}?venue=SIM"
    assert "HX-Request" in response["Vary"]


@pytest.mark.parametrize(
    "kind",
    [
        "consolidate",
        "deduplicate",
        "sort_rows",
        "split_overlaps",
        "rename_files",
        "recompress",
        "delete_range",
        "archive",
    ],
)
def test_every_operation_has_a_form(data_admin_client, bar_dataset, kind):
    html = html_of(data_admin_client.get(reverse("manage:new"), {"kind": kind, "dataset": bar_dataset.pk}))
    assert str(bar_dataset) in html
    assert 'type="submit">Preview' in html


def test_an_unknown_operation_is_not_found(data_admin_client, store):
    assert data_admin_client.get(reverse("manage:new"), {"kind": "explode"}).status_code == 404


def test_keys_that_mean_nothing_choose_nothing(data_admin_client, store):
    html = html_of(data_admin_client.get(reverse("manage:new"), {"dataset": ["nonsense", str(store.pk)]}))
    assert "No dataset is chosen" in html


def test_all_that_pass_the_filters_can_be_chosen(data_admin_client, bar_dataset, quote_dataset):
    html = html_of(data_admin_client.get(reverse("manage:new"), {"all": "1", "data_type": "quote"}))
    assert str(quote_dataset.pk) in html
    assert str(bar_dataset.pk) not in html


def test_posting_the_form_makes_a_preview_of_what_was_asked(data_admin_client, data_admin, bar_dataset):
    form = {"kind": "consolidate", "datasets": str(bar_dataset.pk), "by": "bytes", "amount": "64"}
    response = data_admin_client.post(reverse("manage:new"), form)
    job = Job.objects.get(kind="maintain")
    assert response.url == reverse("manage:job", args=[job.pk])
    assert job.parameters["dryRun"] is True
    assert job.parameters["directories"] == [bar_dataset.path]
    assert job.parameters["request"]["targetBytes"] == 64 * 1024**2
    assert (job.user, job.queue) == (data_admin, "interactive")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"kind": "consolidate", "by": "bytes", "amount": ""}, "Say how many"),
        ({"kind": "consolidate", "by": "rows", "amount": "0"}, "greater than or equal to 1"),
        ({"kind": "consolidate", "by": "decade"}, "not one of the available choices"),
        ({"kind": "delete_range", "start": "2024-02-01", "end": "2024-01-01"}, "ends before it starts"),
        ({"kind": "delete_range", "start": "", "end": "soon"}, "is not a time in UTC"),
        ({"kind": "recompress", "compression": "zstd", "row_group_rows": "5"}, "1000"),
        ({"kind": "archive", "target": "99"}, "not one of the available choices"),
    ],
)
def test_what_is_wrong_with_the_form_is_said_beside_it(data_admin_client, bar_dataset, form, words):
    response = data_admin_client.post(reverse("manage:new"), {"datasets": str(bar_dataset.pk), **form})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize("keys", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_no_dataset_no_preview(data_admin_client, store, keys):
    response = data_admin_client.post(reverse("manage:new"), {"kind": "sort_rows", "datasets": keys})
    assert response.status_code == 422
    assert not Job.objects.exists()


def test_the_preview_shows_its_plans_escaped(data_admin_client, preview):
    html = html_of(data_admin_client.get(reverse("manage:job", args=[preview.pk])))
    assert "&lt;b&gt;X&lt;/b&gt; bars" in html
    assert "Y cannot be read." in html
    assert "≈ 1.0 KiB" in html
    assert "−10" in html
    assert "The first 1 of 300" in html
    assert 'id="manage-run"' in html


def test_running_a_preview_queues_exactly_its_plans(data_admin_client, preview):
    response = data_admin_client.post(reverse("manage:run", args=[preview.pk]))
    job = Job.objects.exclude(pk=preview.pk).get(kind="maintain")
    assert response.url == reverse("manage:job", args=[job.pk])
    assert job.parameters["dryRun"] is False
    assert job.parameters["fingerprints"] == {"data/bar/X": "f" * 64}
    assert job.parameters["directories"] == ["data/bar/X"]
    assert job.parameters["runId"] == preview.parameters["runId"]
    again = html_of(data_admin_client.get(reverse("manage:job", args=[preview.pk])))
    assert "This preview was run" in again
    assert 'id="manage-run"' not in again


def test_a_preview_of_a_read_only_store_cannot_be_run(data_admin_client, store, preview):
    Store.objects.filter(pk=store.pk).update(read_only=True)
    html = html_of(data_admin_client.get(reverse("manage:job", args=[preview.pk])))
    assert 'id="manage-run"' not in html
    assert "can only be looked at" in html
    data_admin_client.post(reverse("manage:run", args=[preview.pk]))
    assert Job.objects.filter(kind="maintain").count() == 1


def test_polling_ends_when_the_job_has_finished(data_admin_client, preview):
    url = reverse("manage:job", args=[preview.pk])
    response = data_admin_client.get(url, headers=HTMX)
    assert response.status_code == 286
    assert b"<html" not in response.content
    Job.objects.filter(pk=preview.pk).update(state="running", stage="Planning", done=1, total=2)
    response = data_admin_client.get(url, headers=HTMX)
    assert response.status_code == 200
    assert 'hx-trigger="every 1s"' in response.content.decode()


def test_other_jobs_have_no_page_here(data_admin_client, store):
    other = Job.objects.create(kind="sync", title="Sync")
    assert data_admin_client.get(reverse("manage:job", args=[other.pk])).status_code == 404
    assert data_admin_client.post(reverse("manage:run", args=[other.pk])).status_code == 404


def test_the_history_lists_and_filters(trader_client, operation):
    url = reverse("manage:operations")
    page = html_of(trader_client.get(url))
    assert page.count(reverse("manage:operation", args=[operation.pk])) == 1
    for query, found in [
        ({"kind": "delete_range"}, True),
        ({"kind": "import"}, False),
        ({"state": "undone"}, False),
        ({"store": "desk"}, True),
        ({"store": "elsewhere"}, False),
        ({"path": operation.path}, True),
    ]:
        html = html_of(trader_client.get(url, query))
        assert (reverse("manage:operation", args=[operation.pk]) in html) == found, query


def test_the_history_does_not_read_the_lists_of_files(trader_client, operation, django_assert_max_num_queries):
    trader_client.get(reverse("manage:operations"))
    with django_assert_max_num_queries(14):
        trader_client.get(reverse("manage:operations"))
    assert "files_before" in operations.history()[0].get_deferred_fields()


def test_an_operation_shows_its_files_with_hashes(trader_client, operation):
    html = html_of(trader_client.get(reverse("manage:operation", args=[operation.pk])))
    (file,) = operation.files_before
    assert file["sha256"] in html
    assert "No file came" in html
    assert "A data admin can undo" in html


def test_a_data_admin_undoes_from_the_page(data_admin_client, data_admin, operation, do: Runner):
    page = html_of(data_admin_client.get(reverse("manage:operation", args=[operation.pk])))
    assert "undo-now" in page
    response = data_admin_client.post(reverse("manage:undo", args=[operation.pk]))
    job = Job.objects.get(kind="undo")
    assert response.url == reverse("manage:job", args=[job.pk])
    assert finish(job).state == "succeeded"
    assert "has its former files again" in html_of(data_admin_client.get(response.url))
    page = html_of(data_admin_client.get(reverse("manage:operation", args=[operation.pk])))
    assert "undo-now" not in page
    assert re.search(r"The operation that undid it</a>, <span[^<]*</span>, by data-admin", page)


def test_an_undo_that_cannot_be_is_explained(data_admin_client, operation):
    StoreOperation.objects.filter(pk=operation.pk).update(state="purged")
    response = data_admin_client.post(reverse("manage:undo", args=[operation.pk]), follow=True)
    assert "no longer in the trash" in response.content.decode()
    assert not Job.objects.exists()


def test_the_trash_is_purged_from_the_page(data_admin_client, store, operation):
    response = data_admin_client.post(reverse("manage:purge", args=[store.pk]), {"older_than_days": "0"})
    job = Job.objects.get(kind="purge")
    assert response.url == reverse("manage:job", args=[job.pk])
    assert finish(job).result["files"] == 1
    assert "1 file of 1 operation" in html_of(data_admin_client.get(response.url))
    page = html_of(data_admin_client.get(reverse("manage:operation", args=[job.operations.get().pk])))
    assert "files deleted from the trash" in page
    assert "Files before" not in page


def test_who_may_only_undo_watches_the_job_among_the_jobs(client, nobody, operation):
    nobody.user_permissions.set(Permission.objects.filter(codename="undo_operation"))
    client.force_login(nobody)
    response = client.post(reverse("manage:undo", args=[operation.pk]))
    assert response.url == reverse("jobs:detail", args=[Job.objects.get(kind="undo").pk])


def test_what_failed_is_said_once_and_can_be_previewed_again(data_admin_client, data_admin, store, bar_dataset):
    preview = finish(request_maintenance([bar_dataset], Consolidate(period="year"), data_admin, dry_run=True))
    data_admin_client.post(reverse("manage:run", args=[preview.pk]))
    sorted((Path(store.root) / bar_dataset.path).iterdir())[0].unlink()
    run = finish(Job.objects.get(parameters__previewId=str(preview.pk)))
    html = html_of(data_admin_client.get(reverse("manage:job", args=[run.pk])))
    assert html.count("its files changed since the preview") == 1
    assert f"kind=consolidate&amp;dataset={bar_dataset.pk}" in html


def test_a_cancelled_run_says_that_nothing_was_changed(data_admin_client, preview):
    Job.objects.filter(pk=preview.pk).update(state="cancelled", parameters={**preview.parameters, "dryRun": False})
    assert "No file was changed." in html_of(data_admin_client.get(reverse("manage:job", args=[preview.pk])))


@pytest.mark.parametrize(
    ("days", "words"), [("", "Give the age"), ("-1", "Give the age"), ("900", "Nothing like that")]
)
def test_a_purge_of_nothing_is_refused(data_admin_client, store, operation, days, words):
    response = data_admin_client.post(reverse("manage:purge", args=[store.pk]), {"older_than_days": days}, follow=True)
    assert words in response.content.decode()
    assert not Job.objects.exists()


def test_the_dataset_page_has_its_history(trader_client, nobody_client, bar_dataset, operation):
    html = html_of(trader_client.get(reverse("catalog:dataset", args=[bar_dataset.pk])))
    assert reverse("manage:operation", args=[operation.pk]) in html


def test_what_is_not_there_is_not_found(data_admin_client, store):
    missing = "00000000-0000-0000-0000-000000000000"
    assert data_admin_client.get(reverse("manage:operation", args=[missing])).status_code == 404
    assert data_admin_client.post(reverse("manage:undo", args=[missing])).status_code == 404
    assert data_admin_client.get(reverse("manage:job", args=[missing])).status_code == 404
    assert data_admin_client.post(reverse("manage:purge", args=[999])).status_code == 404
