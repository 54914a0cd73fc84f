"""The pages of the jobs: list, detail with polling, cancel, retry."""

import re
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from catalog_app.models import Dataset, Export, Job, JobLine, Store
from catalog_app.models.job import JobState

pytestmark = pytest.mark.django_db
LIST = reverse("jobs:list")
HTMX = {"HX-Request": "true"}


def make(**fields) -> Job:
    return Job.objects.create(**{"kind": "test", "title": "Import of eurusd.csv"} | fields)


def detail(job: Job) -> str:
    return reverse("jobs:detail", args=(job.pk,))


def test_an_empty_list_says_what_will_be_there(trader_client):
    assert "No jobs yet" in trader_client.get(LIST).content.decode()


def test_the_list_polls_only_while_something_runs(trader_client):
    job = make(state=JobState.SUCCEEDED)
    assert 'hx-trigger="every 2s' not in trader_client.get(LIST).content.decode()
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING)
    text = trader_client.get(f"{LIST}?state=running").content.decode()
    assert 'hx-get="/jobs/?state=running" hx-trigger="every 2s"' in text


def test_htmx_gets_the_rows_alone(trader_client):
    make()
    response = trader_client.get(LIST, headers=HTMX)
    text = response.content.decode()
    assert text.strip().startswith('<div id="job-rows"')
    assert "<html" not in text
    assert "HX-Request" in response["Vary"]


def test_filters_are_in_the_address(trader_client, trader):
    make(title="mine", user=trader, state=JobState.FAILED)
    make(title="of nobody", kind="scan", state=JobState.SUCCEEDED)
    make(title="waiting")

    def shown(query: str) -> set[str]:
        text = trader_client.get(f"{LIST}?{query}").content.decode()
        return {title for title in ("mine", "of nobody", "waiting") if f">{title}</a>" in text}

    assert shown("state=failed") == {"mine"}
    assert shown("state=active") == {"waiting"}
    assert shown("kind=scan") == {"of nobody"}
    assert shown("mine=1") == {"mine"}
    assert shown("state=failed&kind=scan") == set()
    assert "No job fits" in trader_client.get(f"{LIST}?state=failed&kind=scan").content.decode()


def test_the_list_costs_a_constant_number_of_queries(trader_client, trader, django_assert_max_num_queries):
    for number in range(30):
        Export.objects.create(export_type="csv", job=make(user=trader, title=f"{number}"), status="succeeded")
    with django_assert_max_num_queries(13):
        trader_client.get(LIST)


def test_a_running_job_shows_how_far_it_is_and_polls(trader_client, trader):
    job = make(
        state=JobState.RUNNING, stage="Writing rows", done=2500, total=10_000, rate=500.0, attempt=2, user=trader,
        heartbeat_at=timezone.now() - timedelta(seconds=2),
    )  # fmt: skip
    JobLine.objects.create(job=job, text="3 rows <b>rejected</b>", level="warning")
    text = trader_client.get(detail(job)).content.decode()
    assert '<progress aria-label="Writing rows" max="10000" value="2500">' in text
    assert "about 15 s" in text
    assert "2 of 3" in text
    assert re.search(r"2(\.\d)? s ago", text)
    assert "3 rows &lt;b&gt;rejected&lt;/b&gt;" in text
    assert 'hx-trigger="every 1s"' in text
    assert 'id="job-cancel"' in text
    assert 'id="job-retry"' not in text


def test_polling_ends_when_the_job_has_finished(trader_client):
    job = make(state=JobState.RUNNING)
    assert trader_client.get(detail(job), headers=HTMX).status_code == 200
    Job.objects.filter(pk=job.pk).update(state=JobState.SUCCEEDED)
    last = trader_client.get(detail(job), headers=HTMX)
    assert last.status_code == 286
    assert "hx-trigger" not in last.content.decode()
    assert trader_client.get(detail(job)).status_code == 200, "a whole page is never 286"


def test_stages_are_announced_once(trader_client):
    job = make(state=JobState.RUNNING, stage="Reading")
    first = trader_client.get(detail(job)).content.decode()
    poll = re.search(r'hx-get="([^"]+)"[^>]*every 1s', first).group(1).replace("&amp;", "&")
    assert "hx-swap-oob" not in trader_client.get(poll, headers=HTMX).content.decode()
    Job.objects.filter(pk=job.pk).update(stage="Writing", done=5)
    changed = trader_client.get(poll, headers=HTMX).content.decode()
    assert re.search(r'id="job-told"[^>]*aria-live="polite"[^>]*hx-swap-oob[^>]*>Running: Writing<', changed)
    following = re.search(r'hx-get="([^"]+)"', changed).group(1).replace("&amp;", "&")
    assert "hx-swap-oob" not in trader_client.get(following, headers=HTMX).content.decode()


def test_a_failed_job_shows_why_and_offers_another_try(trader_client, trader, do):
    job = make(state=JobState.FAILED, error="The file is empty. Choose another one.", user=trader)
    text = trader_client.get(detail(job)).content.decode()
    assert "The file is empty. Choose another one." in text
    assert 'id="job-retry"' in text
    response = trader_client.post(reverse("jobs:retry", args=(job.pk,)), follow=False)
    again = Job.objects.get(retry_of=job)
    assert response.headers["Location"] == detail(again)
    text = trader_client.get(detail(job)).content.decode()
    assert detail(again) in text
    assert 'id="job-retry"' not in text


def test_the_log_shows_the_last_lines_in_order(trader_client):
    job = make()
    JobLine.objects.bulk_create(JobLine(job=job, text=f"line-{number};") for number in range(250))
    text = trader_client.get(detail(job)).content.decode()
    assert "line-49;" not in text
    assert text.index("line-50;") < text.index("line-249;")
    assert "Earlier lines are not shown" in text


def test_parameters_and_result_are_readable(trader_client):
    job = make(
        state=JobState.SUCCEEDED, parameters={"storeId": 3}, result={"rejectedRows": [{"line": 5}], "none": None}
    )
    text = trader_client.get(detail(job)).content.decode()
    assert "Store id" in text
    assert "Rejected rows" in text
    assert "&quot;line&quot;: 5" in text


def test_ones_own_job_is_cancelled(trader_client, trader):
    job = make(user=trader)
    response = trader_client.post(reverse("jobs:cancel", args=(job.pk,)))
    assert response.headers["Location"] == detail(job)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_cancelling_a_finished_job_is_told(trader_client, trader):
    job = make(user=trader, state=JobState.SUCCEEDED)
    response = trader_client.post(reverse("jobs:cancel", args=(job.pk,)), follow=True)
    assert "nothing to cancel" in response.content.decode()


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_other_peoples_jobs_are_theirs(trader_client, data_admin_client, analyst, monkeypatch, action):
    state = JobState.QUEUED if action == "cancel" else JobState.FAILED
    job = make(user=analyst, state=state, kind="sync")
    url = reverse(f"jobs:{action}", args=(job.pk,))
    assert trader_client.post(url).status_code == 403
    job.refresh_from_db()
    assert job.state == state
    assert f'id="job-{action}"' not in trader_client.get(detail(job)).content.decode()
    assert data_admin_client.post(url).status_code == 302


@pytest.mark.parametrize("name", ["detail", "cancel", "retry", "download"])
def test_a_job_that_is_not_there(data_admin_client, name):
    url = reverse(f"jobs:{name}", args=(uuid.uuid4(),))
    method = data_admin_client.post if name in {"cancel", "retry"} else data_admin_client.get
    assert method(url).status_code == 404


def test_permission_login_and_method(client, nobody_client, trader_client):
    job = make()
    for name in ("detail", "cancel", "retry", "download"):
        url = reverse(f"jobs:{name}", args=(job.pk,))
        method = "post" if name in {"cancel", "retry"} else "get"
        assert getattr(nobody_client, method)(url).status_code == 403
        assert getattr(client, method)(url).status_code == 302
        wrong = "get" if method == "post" else "post"
        assert getattr(trader_client, wrong)(url).status_code == 405
    assert nobody_client.get(LIST).status_code == 403
    assert trader_client.post(LIST).status_code == 405


def test_a_job_over_datasets_lists_them_the_lowest_score_first(trader_client, tmp_path):
    store = Store.objects.create(name="a", root=str(tmp_path))
    names = ("AUD/USD.SIM", "EUR/USD.SIM", "USD/JPY.SIM")
    datasets = [
        Dataset.objects.create(
            store=store, path=name, instrument_id=name, data_type="quote", size_bytes=1, file_count=1
        )
        for name in names
    ]
    scores = ("1.0000", None, "0.4900")
    found = [{"datasetId": str(one.pk), "rows": 7, "score": score} for one, score in zip(datasets, scores, strict=True)]
    gone = str(uuid.uuid4())
    job = make(
        kind="validate",
        state=JobState.SUCCEEDED,
        parameters={"datasetIds": [gone, *(str(one.pk) for one in datasets)], "force": True},
        result={"datasets": [*found, {"datasetId": gone, "rows": 1, "score": "0.1"}]},
    )
    text = trader_client.get(detail(job)).content.decode()
    table = text.partition('aria-label="Result by dataset"')[2].partition("</table>")[0]
    assert table.index("USD/JPY.SIM") < table.index("AUD/USD.SIM") < table.index("EUR/USD.SIM")
    assert "49.0 %" in table
    assert reverse("catalog:dataset", args=[datasets[0].pk]) in table
    assert "<dt>Datasets</dt><dd>4</dd>" in text
    assert gone not in text


def test_parameters_are_words_and_ids_are_folded(trader_client):
    job = make(
        parameters={
            "previewId": "8b4",
            "request": {"rows": [1]},
            "directories": ["data/bar/X", "data/bar/Y"],
            "start": "2026-11-22T14:46:09+00:00",
        }
    )
    text = trader_client.get(detail(job)).content.decode()
    plain, _, folded = text.partition("<summary>In detail</summary>")
    assert "data/bar/X, data/bar/Y" in plain
    assert "2026-11-22 14:46:09 UTC" in plain
    assert "8b4" not in plain
    assert "8b4" in folded
    assert "&quot;rows&quot;" in folded
