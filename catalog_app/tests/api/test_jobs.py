"""/jobs: list, one, cancel, log; POST /stores/{id}/sync."""

import uuid

import pytest
from django.contrib.auth.models import Permission

from catalog_app.models import Job, JobLine, Store
from catalog_app.models.job import JobState
from catalog_app.services import jobs
from catalog_app.tests.api.conftest import BASE, assert_problem

pytestmark = pytest.mark.django_db
URL = f"{BASE}/jobs"


def make(**fields) -> Job:
    return Job.objects.create(**{"kind": "export", "title": "Export"} | fields)


def test_a_job_tells_how_far_it_is(reader, trader):
    job = make(state=JobState.RUNNING, user=trader, stage="Writing rows", done=250, total=1000, rate=50.0, attempt=1)
    document = reader.get(f"{URL}/{job.pk}").json()
    assert document["jobId"] == str(job.pk)
    assert (document["state"], document["stage"], document["done"], document["total"]) == (
        "running", "Writing rows", 250, 1000,
    )  # fmt: skip
    assert (document["rate"], document["secondsLeft"], document["user"]) == (50.0, 15.0, "trader")
    assert document["createdAt"].endswith("Z")
    assert document["finishedAt"] is None


def test_jobs_come_newest_first_in_pages_that_new_jobs_do_not_shift(reader):
    made = [str(make(title=str(number)).pk) for number in range(5)]
    first = reader.get(URL, {"limit": 2}).json()
    make(title="came meanwhile")
    second = reader.get(URL, {"limit": 2, "cursor": first["nextCursor"]}).json()
    third = reader.get(URL, {"limit": 2, "cursor": second["nextCursor"]}).json()
    seen = [job["jobId"] for page in (first, second, third) for job in page["jobs"]]
    assert seen == made[::-1]
    assert third["nextCursor"] is None


def test_jobs_of_the_same_instant_are_not_lost_between_pages(reader):
    made = {str(make().pk) for _ in range(5)}
    Job.objects.update(created_at=Job.objects.first().created_at)
    seen, cursor = [], None
    for _ in range(5):
        page = reader.get(URL, {"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
        seen += [job["jobId"] for job in page["jobs"]]
        cursor = page["nextCursor"]
    assert len(seen) == 5
    assert set(seen) == made


def test_filters(reader, trader):
    queued, running = make(), make(state=JobState.RUNNING, kind="sync")
    failed = make(state=JobState.FAILED, user=trader)

    def found(**query):
        return {job["jobId"] for job in reader.get(URL, query).json()["jobs"]}

    assert found(state="active") == {str(queued.pk), str(running.pk)}
    assert found(state="failed") == {str(failed.pk)}
    assert found(kind="sync") == {str(running.pk)}
    assert found(mine="true") == {str(failed.pk)}
    assert_problem(reader.get(URL, {"state": "asleep"}), 422, "state")


def test_the_list_costs_a_constant_number_of_queries(reader, trader, django_assert_max_num_queries):
    for _ in range(40):
        make(user=trader)
    with django_assert_max_num_queries(6):
        assert len(reader.get(URL).json()["jobs"]) == 40


def test_the_log_is_read_on_from_where_it_was(reader):
    job = make()
    for number in range(3):
        JobLine.objects.create(job=job, text=f"line {number}", level="warning" if number else "info")
    first = reader.get(f"{URL}/{job.pk}/log", {"limit": 2}).json()
    second = reader.get(f"{URL}/{job.pk}/log", {"limit": 2, "cursor": first["nextCursor"]}).json()
    assert [line["text"] for line in first["lines"] + second["lines"]] == ["line 0", "line 1", "line 2"]
    assert first["lines"][0]["level"] == "info"
    assert second["nextCursor"] is None


def test_ones_own_job_is_cancelled(trader, bearer):
    job = make(user=trader)
    document = bearer(trader, "export").post(f"{URL}/{job.pk}/cancel").json()
    assert document["state"] == "cancelled"
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_a_running_job_is_asked_to_stop(trader, bearer):
    job = make(user=trader, state=JobState.RUNNING)
    document = bearer(trader, "export").post(f"{URL}/{job.pk}/cancel").json()
    assert (document["state"], document["cancelRequested"]) == ("running", True)


def test_other_peoples_jobs_need_the_permission(trader, analyst, data_admin, bearer):
    job = make(user=analyst)
    assert_problem(bearer(trader, "export").post(f"{URL}/{job.pk}/cancel"), 403, "change_job")
    assert bearer(data_admin, "admin").post(f"{URL}/{job.pk}/cancel").json()["state"] == "cancelled"


def test_a_job_of_nobody_is_not_everybodys(trader, bearer):
    assert_problem(bearer(trader, "export").post(f"{URL}/{make().pk}/cancel"), 403)


def test_a_finished_job_is_a_conflict(trader, bearer):
    job = make(user=trader, state=JobState.SUCCEEDED)
    assert_problem(bearer(trader, "export").post(f"{URL}/{job.pk}/cancel"), 409, "finished")


def test_reading_is_not_enough_to_cancel(reader, trader):
    assert_problem(reader.post(f"{URL}/{make(user=trader).pk}/cancel"), 403, "scope")


def test_what_is_not_there_not_allowed_not_read(client, reader, trader, nobody_client, bearer):
    job = make()
    for part in ("", "/log"):
        assert_problem(reader.get(f"{URL}/{uuid.uuid4()}{part}"), 404)
        assert_problem(client.get(f"{URL}/{job.pk}{part}"), 401)
        assert_problem(nobody_client.get(f"{URL}/{job.pk}{part}"), 403)
        assert_problem(reader.delete(f"{URL}/{job.pk}{part}"), 405)
    assert_problem(bearer(trader, "export").post(f"{URL}/{uuid.uuid4()}/cancel"), 404)
    assert_problem(reader.get(f"{URL}/{job.pk}/cancel"), 405)
    assert_problem(nobody_client.get(URL), 403)


@pytest.fixture
def empty_store(tmp_path) -> Store:
    return Store.objects.create(name="s", root=str(tmp_path))


def test_sync_is_taken_and_can_be_followed(data_admin, bearer, empty_store):
    client = bearer(data_admin, "admin", "read")
    response = client.post(f"{BASE}/stores/{empty_store.pk}/sync")
    assert response.status_code == 202
    assert response["Location"] == f"{BASE}/jobs/{response.json()['jobId']}"
    document = client.get(response["Location"]).json()
    assert (document["kind"], document["parameters"], document["state"]) == (
        "sync", {"storeId": empty_store.pk}, "queued",
    )  # fmt: skip
    assert document["user"] == "data-admin"


def test_the_sync_that_was_taken_does_sync(data_admin, bearer, empty_store):
    response = bearer(data_admin, "admin").post(f"{BASE}/stores/{empty_store.pk}/sync")
    jobs.run_job(response.json()["jobId"])
    job = Job.objects.get()
    assert (job.state, job.error) == (JobState.SUCCEEDED, "")
    assert job.result["files"] == 0


def test_a_repeat_with_the_same_key_is_the_same_job(data_admin, bearer, empty_store):
    client = bearer(data_admin, "admin")
    ids = [
        client.post(f"{BASE}/stores/{empty_store.pk}/sync", headers={"Idempotency-Key": key}).json()["jobId"]
        for key in ("a", "a", "b")
    ]
    assert ids[0] == ids[1] != ids[2]
    other = Store.objects.create(name="other", root="/tmp/other")
    assert_problem(
        client.post(f"{BASE}/stores/{other.pk}/sync", headers={"Idempotency-Key": "a"}), 409, "Idempotency-Key"
    )
    assert_problem(client.post(f"{BASE}/stores/{other.pk}/sync", headers={"Idempotency-Key": "x" * 151}), 422)


def test_sync_needs_scope_permission_store_and_post(trader, data_admin, bearer, empty_store, reader, trader_client):
    url = f"{BASE}/stores/{empty_store.pk}/sync"
    assert_problem(bearer(data_admin, "read").post(url), 403, "scope admin")
    assert_problem(trader_client.post(url), 403, "sync_store")
    assert_problem(bearer(data_admin, "admin").post(f"{BASE}/stores/{empty_store.pk + 1}/sync"), 404)
    assert_problem(reader.get(url), 405)
    assert not Job.objects.exists()


def test_a_permission_that_is_taken_away_counts_at_once(trader, bearer, empty_store):
    trader.user_permissions.add(Permission.objects.get(codename="sync_store"))
    client = bearer(type(trader).objects.get(pk=trader.pk), "admin")
    trader.user_permissions.clear()
    assert_problem(client.post(f"{BASE}/stores/{empty_store.pk}/sync"), 403, "sync_store")
