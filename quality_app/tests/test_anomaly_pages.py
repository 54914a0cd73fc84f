"""The pages of anomalies: who may do what, filters in the address, the row among its neighbours, marks."""

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from catalog_app.models import Dataset, Job, StoreOperation
from catalog_app.services.jobs import run_job
from quality_app.models import Anomaly
from quality_app.services.anomalies import listing as anomaly_list
from quality_app.services.anomalies.triage import triage
from quality_app.services.validation.run import validate
from quality_app.tests.conftest import MakeDataset
from quality_app.tests.frames import MINUTE_NS, START_NS
from quality_app.tests.test_anomalies import crossed, standings

LIST = "/quality/anomalies/"


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> Dataset:
    found = make_dataset("quote", crossed(60, 7, 30))
    validate(found, check_ids=["quote.crossed"])
    return found


@pytest.fixture
def anomaly(dataset: Dataset) -> Anomaly:
    return Anomaly.objects.get(dataset=dataset, row=30)


def many(dataset: Dataset, number: int) -> None:
    now = timezone.now()
    Anomaly.objects.bulk_create(
        Anomaly(
            dataset=dataset,
            venue=f"V{at % 3}",
            instrument_id=f"I{at % 20}",
            data_type="quote",
            check_id="quote.outlier",
            check_version=1,
            type="outlier",
            severity="major",
            file="data/x/a.parquet",
            file_size=1,
            file_mtime_ns=1,
            row=at,
            ts_init_ns=START_NS + at,
            timestamp=now,
            value="1.5",
            expected="1",
            identity=str(at),
        )
        for at in range(number)
    )


def test_who_may_look_decide_and_repair(
    anomaly: Anomaly, trader_client: Client, nobody_client: Client, client: Client, data_admin_client: Client
) -> None:
    reading = [LIST, f"{LIST}{anomaly.pk}/", reverse("quality:anomaly-marks", args=[anomaly.dataset_id])]
    decide, repair = reverse("quality:decide-anomalies"), reverse("quality:repair-anomalies")
    for address in reading:
        assert trader_client.get(address).status_code == 200
        assert nobody_client.get(address).status_code == 403
        assert client.get(address).status_code == 302
        assert data_admin_client.post(address).status_code == 405
    body = {"anomaly": str(anomaly.pk), "decision": "bad_data", "reason": ""}
    assert nobody_client.post(decide, body).status_code == 403
    assert trader_client.get(decide).status_code == 405
    assert trader_client.get(repair, {"anomaly": str(anomaly.pk)}).status_code == 403
    assert "Repair…" not in trader_client.get(LIST).content.decode()
    assert trader_client.post(decide, body).status_code == 302
    anomaly.refresh_from_db()
    assert (anomaly.state, anomaly.decided_by) == ("bad_data", User.objects.get(username="trader"))
    assert data_admin_client.get(repair, {"anomaly": str(anomaly.pk)}).status_code == 200


def test_what_is_not_there_is_not_found(dataset: Dataset, data_admin_client: Client) -> None:
    nothing = uuid.uuid4()
    for name in ("anomaly", "repair", "anomaly-marks"):
        assert data_admin_client.get(reverse(f"quality:{name}", args=[nothing])).status_code == 404
    assert data_admin_client.get(reverse("quality:repair-anomalies"), {"anomaly": "x"}).status_code == 404
    assert b"No row is chosen" in data_admin_client.get(reverse("quality:repair-anomalies")).content
    assert data_admin_client.post(reverse("quality:repair-anomalies")).status_code == 422
    refused = data_admin_client.get(reverse("quality:repair-anomalies"), {"anomaly": str(nothing)})
    assert (refused.status_code, b"no longer known" in refused.content) == (422, True)


def test_the_address_filters_and_says_what_it_could_not_use(dataset: Dataset, trader_client: Client) -> None:
    day = "2024-01-02 00:"
    for query, rows in (
        ({}, 2),
        ({"state": "all"}, 2),
        ({"state": "gone"}, 0),
        ({"venue": "SIM", "check": "quote.crossed", "severity": "major", "data_type": "quote"}, 2),
        ({"instrument": "EUR/USD.SIM"}, 0),
        ({"start": f"{day}20"}, 1),
        ({"end": f"{day}20"}, 1),
        ({"dataset": str(dataset.pk)}, 2),
        ({"dataset": str(uuid.uuid4())}, 0),
        ({"sort": "check"}, 2),
    ):
        page = trader_client.get(LIST, query)
        assert len(page.context["page"].object_list) == rows, query
        assert page.context["page"].paginator.count == rows
    page = trader_client.get(LIST, {"start": "soon", "dataset": "x", "state": "odd", "sort": "odd"})
    assert len(page.context["filters"].problems) == 4
    assert len(page.context["page"].object_list) == 2


def test_tabs_count_what_the_list_shows(dataset: Dataset, data_admin: User, trader_client: Client) -> None:
    many(dataset, 40)
    for at, row in enumerate(Anomaly.objects.filter(check_id="quote.outlier")):
        row.state = Anomaly.State.values[at % 4]
        row.resolved_at = timezone.now() if at % 5 == 0 else None
        row.expires_at = timezone.now() + timedelta(days=-1 if at % 3 else 1)
        if at % 7 == 0:
            made = {
                "store": dataset.store,
                "kind": "repair",
                "path": "x",
                "undone_at": timezone.now() - timedelta(days=1),
            }
            state = StoreOperation.State.values[at % 3]
            row.operation = StoreOperation.objects.create(**made, state=state)
        row.save()
    counts = {value.value: value.count for value in trader_client.get(LIST).context["states"].values}
    assert sum(counts.values()) == 2 * 42
    assert all(counts.values())
    for state, count in counts.items():
        page = trader_client.get(LIST, {"state": state})
        assert {row.standing for row in page.context["page"].object_list} == {state} or state == "all"
        assert len(page.context["page"].object_list) == count


def test_a_fragment_keeps_what_restricts_in_the_address(dataset: Dataset, trader_client: Client) -> None:
    answer = trader_client.get(LIST, {"venue": "SIM", "start": "", "state": "open"}, headers={"HX-Request": "true"})
    assert answer["HX-Push-Url"] == f"{LIST}?venue=SIM"
    assert b"<html" not in answer.content


def test_pages_cost_the_same_however_many_there_are(
    dataset: Dataset, trader_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    many(dataset, 1200)
    with django_assert_max_num_queries(12):
        page = trader_client.get(LIST, {"page": "2"})
    assert len(page.context["page"].object_list) == 100
    facets = {facet.name: facet.values for facet in page.context["facets"]}
    assert (facets["check"][0].count, len(facets["instrument"])) == (1200, 21)


def test_the_detail_shows_the_row_among_its_neighbours(anomaly: Anomaly, trader_client: Client) -> None:
    page = trader_client.get(f"{LIST}{anomaly.pk}/")
    shown = page.context["neighbours"]
    assert [row["row"] for row in shown.page.rows] == list(range(10, 51))
    assert shown.page.rows[shown.at]["bid_price"] == "1.20000"
    text = page.content.decode()
    assert "The bid is above the ask" in text
    assert 'class="marked"' in text


def test_neighbours_reach_over_the_ends_of_files(make_dataset: MakeDataset, trader_client: Client) -> None:
    from quality_app.tests.test_anomalies import later

    make_dataset("quote", crossed(10))
    found = make_dataset("quote", later(crossed(10, 1), 20))
    validate(found, check_ids=["quote.crossed"])
    page = trader_client.get(f"{LIST}{Anomaly.objects.get(dataset=found).pk}/")
    shown = page.context["neighbours"]
    assert (shown.at, len(shown.page.rows), len({row["file"] for row in shown.page.rows})) == (11, 20, 2)


def test_a_file_that_changed_since_is_not_read(anomaly: Anomaly, trader_client: Client) -> None:
    path = Path(anomaly.dataset.store.root) / anomaly.file
    content = path.read_bytes()
    for change in (lambda: path.write_bytes(content + b"x"), path.unlink):
        change()
        page = trader_client.get(f"{LIST}{anomaly.pk}/")
        assert page.status_code == 200
        assert b"was written anew, moved or removed" in page.content
        assert b"1.20000" in page.content  # as it was last seen


def test_marks_are_what_is_open_or_decided_within_a_range(
    dataset: Dataset, trader: User, trader_client: Client
) -> None:
    address = reverse("quality:anomaly-marks", args=[dataset.pk])
    marks = trader_client.get(address).json()["marks"]
    assert [(int(mark["tsNs"]) - START_NS) // MINUTE_NS for mark in marks] == [8, 31]
    assert marks[0]["price"] == pytest.approx(1.15005)
    assert trader_client.get(marks[0]["url"]).status_code == 200
    after = {"start": str(START_NS + 9 * MINUTE_NS)}
    assert [mark["tsNs"] for mark in trader_client.get(address, after).json()["marks"]] == [marks[1]["tsNs"]]
    assert trader_client.get(address, {"start": "soon"}).status_code == 400
    triage([row.pk for row in Anomaly.objects.filter(dataset=dataset, row=30)], "ignored", "known", trader)
    assert len(anomaly_list.marks(dataset)) == 1


def test_refusals_are_said_where_they_were_asked_for(anomaly: Anomaly, trader_client: Client) -> None:
    body = {"anomaly": str(anomaly.pk), "decision": "ignored", "reason": "", "next": f"{LIST}?venue=SIM"}
    answer = trader_client.post(reverse("quality:decide-anomalies"), body, follow=True)
    assert answer.redirect_chain == [(f"{LIST}?venue=SIM", 302)]
    assert b"Say why they are ignored" in answer.content
    elsewhere = trader_client.post(reverse("quality:decide-anomalies"), body | {"next": "https://example.com/"})
    assert elsewhere["Location"] == LIST
    wrong = trader_client.post(reverse("quality:decide-anomalies"), body | {"days": "soon"}, follow=True)
    assert b"whole number" in wrong.content


def test_a_repair_from_choice_to_operation(dataset: Dataset, data_admin: User, data_admin_client: Client) -> None:
    keys = [str(key) for key in Anomaly.objects.filter(dataset=dataset).values_list("pk", flat=True)]
    new = reverse("quality:repair-anomalies")
    early = data_admin_client.post(new, {"anomaly": keys})
    assert (early.status_code, b"Only rows that were decided" in early.content) == (422, True)
    triage([uuid.UUID(key) for key in keys], "bad_data", "", data_admin)
    chosen = data_admin_client.post(new, {"anomaly": keys})
    assert (chosen.status_code, b"rows can only be dropped" in chosen.content) == (200, True)
    assert not Job.objects.exists()
    wrong = data_admin_client.post(new, {"anomaly": keys, "preview": "1", "method": "drop", "tolerance": "x"})
    assert (wrong.status_code, b"in milliseconds" in wrong.content) == (422, True)

    page = data_admin_client.post(new, {"anomaly": keys, "preview": "1", "method": "drop"})
    preview = Job.objects.get(kind="repair")
    assert page["Location"] == reverse("quality:repair", args=[preview.pk])
    assert b"Waits for a worker" in data_admin_client.get(page["Location"]).content
    assert data_admin_client.post(reverse("quality:run-repair", args=[preview.pk]), follow=True).context["run"] is None
    run_job(preview.pk)
    assert data_admin_client.get(page["Location"], headers={"HX-Request": "true"}).status_code == 286
    assert b"Repair 2 rows" in data_admin_client.get(page["Location"]).content

    started = data_admin_client.post(reverse("quality:run-repair", args=[preview.pk]))
    again = data_admin_client.post(reverse("quality:run-repair", args=[preview.pk]))
    assert started["Location"] == again["Location"]
    run_job(Job.objects.get(parameters__previewId=str(preview.pk)).pk)
    assert b"2 anomalies are repaired" in data_admin_client.get(started["Location"]).content
    assert standings(dataset) == [(7, "repaired"), (30, "repaired")]
    assert b"can be undone there" in data_admin_client.get(f"{LIST}{keys[0]}/").content
