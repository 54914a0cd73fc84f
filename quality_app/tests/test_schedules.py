"""Schedules: due work starts once, missed work once, and broken work stops nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog_app.models import Dataset, Instrument, Job, Store
from catalog_app.services.errors import Conflict
from quality_app.models import Reconciliation, Schedule
from quality_app.services import schedules
from quality_app.services.schedules import dataset_ids, run_due, run_now, save_schedule
from quality_app.tests.test_rules import add, store

__all__ = ["store"]

Make = Callable[..., Schedule]


@pytest.fixture
def dataset(store: Store) -> Dataset:
    return add(store, "GBP/USD.SIM", "quote")


@pytest.fixture
def make(db: None) -> Make:
    def make_schedule(**values: Any) -> Schedule:
        schedule = Schedule(**{"name": "daily", "kind": "validate", "time_utc": time(2), **values})
        save_schedule(schedule)
        return schedule

    return make_schedule


def test_due_work_starts_once_and_is_due_again_at_its_next_time(make: Make, dataset: Dataset) -> None:
    schedule = make()
    due = schedule.next_run_at
    assert due is not None
    assert due > timezone.now()
    assert run_due(due - timedelta(seconds=1)) == []
    (job,) = run_due(due)
    assert (job.kind, job.parameters, job.user) == ("validate", {"datasetIds": [str(dataset.pk)]}, None)
    assert run_due(due) == []
    schedule.refresh_from_db()
    assert (schedule.last_job, schedule.last_run_at, schedule.next_run_at) == (job, due, due + timedelta(days=1))


def test_missed_runs_are_run_once(make: Make, dataset: Dataset) -> None:
    schedule = make(every_minutes=15, time_utc=None)
    assert schedule.next_run_at is not None
    late = schedule.next_run_at + timedelta(days=3, minutes=7)
    assert len(run_due(late)) == 1
    schedule.refresh_from_db()
    assert schedule.next_run_at > late
    assert schedule.next_run_at - late <= timedelta(minutes=15)


def test_a_run_is_left_out_while_the_job_before_runs(make: Make, dataset: Dataset) -> None:
    schedule = make()
    assert schedule.next_run_at is not None
    run_due(schedule.next_run_at)
    schedule.refresh_from_db()
    assert run_due(schedule.next_run_at) == []
    schedule.refresh_from_db()
    assert "has not finished" in schedule.last_note
    Job.objects.update(state="succeeded")
    assert len(run_due(schedule.next_run_at)) == 1
    schedule.refresh_from_db()
    assert schedule.last_note == ""


def test_what_cannot_start_is_noted_and_stops_no_other(
    make: Make, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(schedule: Schedule) -> Job | None:
        raise Conflict("Both sources are gone.")

    def fail(schedule: Schedule) -> Job | None:
        Job.objects.create(kind="validate", title="half done")
        raise RuntimeError("broken")

    monkeypatch.setitem(schedules._starts, "reconcile", refuse)
    monkeypatch.setitem(schedules._starts, "report", fail)
    make(name="a", kind="reconcile")
    make(name="b", kind="report")
    last = make(name="c")
    make(name="d", scope={"venue": "NOWHERE"})
    assert last.next_run_at is not None
    (job,) = run_due(last.next_run_at)
    assert list(Job.objects.all()) == [job]
    notes = dict(Schedule.objects.values_list("name", "last_note"))
    assert notes == {
        "a": "Both sources are gone.",
        "b": "It could not be started: broken",
        "c": "",
        "d": "There was nothing to do.",
    }


def test_what_is_switched_off_is_never_due_and_counts_from_now_when_switched_on(make: Make, dataset: Dataset) -> None:
    schedule = make(enabled=False)
    assert schedule.next_run_at is None
    assert run_due(datetime(2999, 1, 1, tzinfo=UTC)) == []
    schedule.enabled = True
    save_schedule(schedule)
    assert schedule.next_run_at is not None
    assert schedule.next_run_at > timezone.now()


def test_other_words_leave_the_next_run_and_another_rhythm_moves_it(make: Make) -> None:
    schedule = make()
    Schedule.objects.update(next_run_at=datetime(2999, 1, 1, 2, tzinfo=UTC))
    schedule.refresh_from_db()
    schedule.name = "renamed"
    save_schedule(schedule)
    assert schedule.next_run_at == datetime(2999, 1, 1, 2, tzinfo=UTC)
    schedule.weekday = 0
    save_schedule(schedule)
    assert schedule.next_run_at is not None
    assert (schedule.next_run_at.year, schedule.next_run_at.weekday()) != (2999, 1)


@pytest.mark.parametrize(
    "values", [{"time_utc": None}, {"every_minutes": 5}, {"every_minutes": 0, "time_utc": None}, {"name": ""}]
)
def test_what_has_no_rhythm_or_two_is_refused(make: Make, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make(**values)
    assert not Schedule.objects.exists()


def test_scopes_are_looked_up_when_they_run(store: Store, dataset: Dataset) -> None:
    fx = Instrument.objects.create(
        store=store, instrument_id="EUR/USD.XFX", symbol="EUR/USD", venue="XFX", asset_class="FX"
    )
    bars = add(store, "EUR/USD.XFX", "bar", definition=fx)
    add(store, "EUR/USD.XFX", "custom", state="unsupported", definition=fx)
    for scope in (
        {"venue": "XFX"}, {"assetClass": "FX"}, {"instrumentId": "EURUSD.XFX"}, {"instrumentId": "EUR/USD.XFX"},
        {"dataTypes": ["bar"]}, {"datasetIds": [str(bars.pk)]}, {"storeId": store.pk, "venue": "XFX"},
    ):  # fmt: skip
        assert dataset_ids(scope) == [bars.pk], scope
    assert set(dataset_ids({})) == {bars.pk, dataset.pk}
    assert dataset_ids({"storeId": 0, "venue": "SIM"}) == [dataset.pk]
    assert dataset_ids({"venue": "XFX", "dataTypes": ["quote"]}) == []


def test_gap_scans_take_only_what_can_be_scanned(make: Make, store: Store, dataset: Dataset) -> None:
    add(store, "GBP/USD.SIM", "close")
    bars = add(store, "GBP/USD.SIM", "bar")
    job = run_now(make(kind="scan_gaps"))
    assert job is not None
    assert job.kind == "scan_gaps"
    assert set(job.parameters["datasetIds"]) == {str(bars.pk), str(dataset.pk)}


def test_run_now_leaves_the_times(make: Make, dataset: Dataset) -> None:
    schedule = make()
    before = schedule.next_run_at
    job = run_now(schedule)
    assert (schedule.last_job, schedule.next_run_at) == (job, before)


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_start_one_job(make: Make, dataset: Dataset) -> None:
    due = make().next_run_at
    assert due is not None
    together, started = Barrier(2), []

    def tick() -> None:
        try:
            together.wait(10)
            started.extend(run_due(due))
        finally:
            connection.close()

    threads = [Thread(target=tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(started) == 1
    assert Job.objects.count() == 1


def form(**values: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("every_minutes", "time_utc", "weekday", "store", "venue", "asset_class", "period"), "")
    return {
        **empty,
        "name": "new",
        "kind": "validate",
        "enabled": "on",
        "instrument_id": "",
        "reconciliation": "",
        **values,
    }


ADD = "admin:quality_app_schedule_add"


def test_the_admin_makes_a_schedule_from_typed_fields(data_admin_client: Client, dataset: Dataset) -> None:
    assert not Schedule.objects.exists()  # nothing runs that nobody asked for
    preset = data_admin_client.get(reverse(ADD), {"preset": "validate-daily"}).content.decode()
    assert 'value="02:00"' in preset
    data_admin_client.post(
        reverse(ADD), form(time_utc="02:00", weekday="6", venue="SIM", data_types=["quote", "trade"])
    )
    made = Schedule.objects.get()
    assert made.scope == {"venue": "SIM", "dataTypes": ["quote", "trade"]}
    assert str(made.cadence) == "Sunday at 02:00 UTC"
    assert made.next_run_at is not None
    change = reverse("admin:quality_app_schedule_change", args=[made.pk])
    text = data_admin_client.get(change).content.decode()
    assert '<option value="SIM" selected>' in text
    data = {"action": "run_chosen", "_selected_action": str(made.pk)}
    data_admin_client.post(reverse("admin:quality_app_schedule_changelist"), data)
    job = Job.objects.get()
    listed = data_admin_client.get(reverse("admin:quality_app_schedule_changelist")).content.decode()
    assert reverse("jobs:detail", args=[job.pk]) in listed


def test_other_kinds_take_what_they_need(data_admin_client: Client) -> None:
    pair = Reconciliation.objects.create(name="pair", instrument_id="GBP/USD.SIM")
    data_admin_client.post(reverse(ADD), form(name="a", kind="reconcile", every_minutes="60", reconciliation=pair.pk))
    report = {"time_utc": "06:00", "period": "daily", "each": "venue", "recipients": "a@example.com, b@example.com"}
    data_admin_client.post(reverse(ADD), form(name="b", kind="report", **report))
    assert dict(Schedule.objects.values_list("name", "scope")) == {
        "a": {"reconciliationId": pair.pk},
        "b": {"period": "daily", "each": "venue", "recipients": ["a@example.com", "b@example.com"]},
    }
    change = reverse("admin:quality_app_schedule_change", args=[Schedule.objects.get(name="b").pk])
    text = data_admin_client.get(change).content.decode()
    assert "a@example.com\nb@example.com</textarea>" in text
    assert '<option value="venue" selected>' in text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "Give either a number of minutes"),
        ({"time_utc": "02:00", "every_minutes": "5"}, "Give either a number of minutes"),
        ({"every_minutes": "20000"}, "Minutes go from 1"),
        ({"time_utc": "02:00:30"}, "hours and minutes only"),
        ({"time_utc": "02:00", "kind": "reconcile"}, "Choose what to reconcile"),
        ({"time_utc": "02:00", "kind": "report"}, "Choose what the report covers"),
        ({"time_utc": "02:00", "period": "daily"}, "does not use this"),
        ({"time_utc": "02:00", "kind": "report", "period": "daily", "recipients": "nobody"}, "is no e-mail address"),
    ],
)
def test_the_admin_says_what_cannot_be(data_admin_client: Client, values: dict[str, str], said: str) -> None:
    response = data_admin_client.post(reverse(ADD), form(**values))
    assert said in response.content.decode()
    assert not Schedule.objects.exists()


def test_who_is_not_staff_starts_nothing(trader_client: Client, make: Make, dataset: Dataset) -> None:
    data = {"action": "run_chosen", "_selected_action": str(make().pk)}
    response = trader_client.post(reverse("admin:quality_app_schedule_changelist"), data)
    assert response.status_code == 302
    assert not Job.objects.exists()
