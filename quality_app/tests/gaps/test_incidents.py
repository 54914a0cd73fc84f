"""Incidents: which datasets they concern, opening and closing, and the pages; halts from status rows in a store."""

from pathlib import Path

import polars as pl
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from catalog_app.models import Dataset, Job, Store
from catalog_app.services.errors import Conflict
from catalog_app.services.sync import sync_store
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.layout import dataset_path
from catalog_app.store.schema import CANONICAL
from catalog_app.store.writer import DatasetWriter
from quality_app.models import SourceIncident
from quality_app.services.gaps.halts import halts_for
from quality_app.services.incidents import (
    Incidents,
    affected_datasets,
    close_incident,
    incidents_for,
    keep_incident,
    open_incident,
)
from quality_app.tests.conftest import INSTRUMENT, MakeDataset
from quality_app.tests.frames import MINUTE_NS, START_NS, rows_of

HOUR_NS = 60 * MINUTE_NS
FORM = {"title": "Feed down", "venue": "SIM", "instrument_id": "", "store": "", "url": ""}


@pytest.fixture
def quotes(make_dataset: MakeDataset) -> Dataset:
    dataset = make_dataset("quote", rows_of("quote", 120))
    Dataset.objects.filter(pk=dataset.pk).update(last_scanned=timezone.now())
    return dataset


def incident(start_ns: int = START_NS, end_ns: int | None = None, **scope: object) -> SourceIncident:
    return SourceIncident.objects.create(title="Down", start_ns=start_ns, end_ns=end_ns, **scope)


def test_what_is_set_of_the_scope_must_all_hold(quotes: Dataset, tmp_path: Path) -> None:
    other = Store.objects.create(name="other", root=str(tmp_path / "other"))
    mine = [
        incident(venue="SIM"),
        incident(instrument_id="GBPUSD.SIM"),
        incident(store=quotes.store),
        incident(venue="SIM", instrument_id="GBPUSD.SIM", store=quotes.store),
    ]
    foreign = [
        incident(venue="XNAS"),
        incident(venue="XNAS", instrument_id="GBPUSD.SIM"),
        incident(instrument_id="EURUSD.SIM"),
        incident(venue="SIM", store=other),
    ]
    assert {row.pk for row in Incidents([quotes]).of(quotes)} == {row.pk for row in mine}
    assert [one for one in (*mine, *foreign) if quotes in affected_datasets(one)] == mine


def test_a_range_meets_what_overlaps_it_and_an_open_incident_lasts_until_now(
    quotes: Dataset, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    incident(START_NS - 10, START_NS - 1, venue="SIM")
    incident(START_NS - 10, START_NS, venue="SIM")
    incident(START_NS + 5, None, venue="SIM")
    incident(START_NS + 11, None, venue="SIM")
    with django_assert_num_queries(1):
        found = incidents_for(quotes, START_NS, START_NS + 10)
    assert found["start_ns"].to_list() == [START_NS - 10, START_NS + 5]
    assert found["end_ns"][0] == START_NS
    assert found["end_ns"][1] > START_NS + 10


def test_a_feed_opens_one_incident_and_closing_it_scans_what_it_concerns(quotes: Dataset) -> None:
    first = open_incident("Disconnected", START_NS, venue="SIM", instrument_id=INSTRUMENT)
    assert open_incident("Disconnected", START_NS + 5, venue="SIM", instrument_id=INSTRUMENT) == first
    assert (first.origin, first.instrument_id) == ("feed", "GBPUSD.SIM")
    with pytest.raises(Conflict, match="before it begins"):
        close_incident(first, START_NS - 1)
    job = close_incident(first, START_NS + HOUR_NS)
    assert job is not None
    assert (job.kind, job.parameters) == ("scan_gaps", {"datasetIds": [str(quotes.pk)]})
    with pytest.raises(Conflict, match="ended already"):
        close_incident(first, START_NS + HOUR_NS)
    with pytest.raises(ValidationError, match="Say what it concerns"):
        open_incident("Disconnected", START_NS)


def test_a_change_scans_what_was_concerned_before_and_is_now(quotes: Dataset, admin_user: User) -> None:
    row = incident(venue="SIM")
    row.venue = "XNAS"
    assert keep_incident(row, admin_user) is not None
    Job.objects.all().delete()
    row.title = "Other"
    assert keep_incident(row, admin_user) is None
    assert [entry.change_message for entry in LogEntry.objects.all()] == ["Changed.", "Changed."]


def test_halts_come_from_the_status_rows_of_the_store(quotes: Dataset, store: Store) -> None:
    actions = ["TRADING", "HALT", "QUOTING", "TRADING", "SUSPEND"]
    times = [START_NS + n * HOUR_NS for n in range(5)]
    empty = {name: pl.Series(name, [None] * 5, dtype=dtype) for name, dtype in CANONICAL["status"].items()}
    rows = pl.DataFrame({**empty, "action": actions, "ts_event": times, "ts_init": times}, schema=CANONICAL["status"])
    with Transaction(Path(store.root), "import", dataset_path("status", INSTRUMENT)) as tx:
        writer = DatasetWriter(tx, "status", INSTRUMENT, price_precision=5, size_precision=0)
        writer.write(rows)
        writer.finish()
        tx.commit()
    sync_store(store)
    halt = (START_NS + HOUR_NS, START_NS + 3 * HOUR_NS)
    assert halts_for(quotes, START_NS, START_NS + 3 * HOUR_NS).rows() == [halt]
    assert halts_for(quotes, halt[0] + 1, halt[1] - 1).rows() == [(halt[0], halt[1] - 1)]
    end = START_NS + 9 * HOUR_NS
    assert halts_for(quotes, START_NS + 4 * HOUR_NS, end).rows() == [(START_NS + 4 * HOUR_NS, end)]
    assert halts_for(quotes, START_NS, START_NS + MINUTE_NS).is_empty()


def test_a_trader_enters_an_incident_and_may_not_end_or_delete_it(trader_client: Client, quotes: Dataset) -> None:
    page = reverse("quality:incidents")
    response = trader_client.post(page, {**FORM, "start": "2024-01-02 00:10", "end": "2024-01-02 00:20"})
    assert response.status_code == 302
    row = SourceIncident.objects.get()
    assert (row.start_ns, row.end_ns) == (START_NS + 10 * MINUTE_NS, START_NS + 20 * MINUTE_NS)
    assert row.created_by is not None
    assert Job.objects.get().kind == "scan_gaps"
    for name in ("incident-edit", "incident-end", "incident-delete"):
        assert trader_client.post(reverse(f"quality:{name}", args=[row.pk])).status_code == 403
    text = trader_client.get(page).content.decode()
    assert "Feed down" in text
    assert "10 min" in text
    assert "End now" not in text


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"start": "2024-01-02", "venue": ""}, "Say what it concerns"),
        ({"start": "2024-01-02", "end": "2024-01-01"}, "The end lies before the start."),
        ({"start": "yesterday"}, "is not a time in UTC"),
        ({"start": "9999-01-01"}, "from 1970 to 2262"),
        ({"start": "2024-01-02", "url": "javascript:alert(1)"}, "Enter a valid URL"),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_typed(
    admin_client: Client, quotes: Dataset, fields: dict[str, str], reason: str
) -> None:
    response = admin_client.post(reverse("quality:incidents"), {**FORM, **fields})
    assert response.status_code == 422
    assert reason in response.content.decode()
    assert not SourceIncident.objects.exists()


def test_an_admin_ends_changes_and_deletes(admin_client: Client, quotes: Dataset) -> None:
    row = incident(venue="SIM")
    list_page = reverse("quality:incidents")
    assert "End now" in admin_client.get(list_page).content.decode()
    admin_client.post(reverse("quality:incident-end", args=[row.pk]), {"end": "2024-01-02 01:00"})
    row.refresh_from_db()
    assert row.end_ns == START_NS + HOUR_NS
    edit = reverse("quality:incident-edit", args=[row.pk])
    assert "2024-01-02 01:00:00" in admin_client.get(edit).content.decode()
    changed = {**FORM, "title": "Longer", "start": "2024-01-02", "end": ""}
    assert admin_client.post(edit, changed).status_code == 302
    assert SourceIncident.objects.filter(title="Longer", end_ns=None).count() == 1
    assert admin_client.post(reverse("quality:incident-delete", args=[row.pk])).status_code == 302
    assert not SourceIncident.objects.exists()
    assert LogEntry.objects.filter(change_message="Deleted.").count() == 1


def test_the_list_has_filters_and_needs_the_permission(
    admin_client: Client, nobody_client: Client, quotes: Dataset
) -> None:
    incident(venue="SIM")
    incident(START_NS, START_NS + 1, instrument_id="EURUSD.SIM")
    page = reverse("quality:incidents")
    assert nobody_client.get(page).status_code == 403
    shown = {state: admin_client.get(page, {"state": state}).context["page"] for state in ("", "open", "ended")}
    assert [len(found) for found in shown.values()] == [2, 1, 1]
    assert [row.instrument_id for row in admin_client.get(page, {"q": "EUR/USD"}).context["page"]] == ["EURUSD.SIM"]
