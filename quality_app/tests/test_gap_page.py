"""One gap's page: who may see it, where it lies, the rows on both sides, what it touches, what was decided."""

import uuid
from datetime import UTC, datetime

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog_app.models import Dataset, Export, Store, StoreOperation
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from quality_app.gaps.grid import Int64s
from quality_app.models import (
    Gap,
    GapFill,
    MonthCompleteness,
    Reconciliation,
    ReconciliationRun,
    ReconciliationSource,
    Schedule,
    SourceIncident,
    WantedData,
)
from quality_app.services.gaps.impact import impact_of
from quality_app.services.gaps.others import others_in
from quality_app.services.gaps.session_days import expected_units, span_of
from quality_app.services.gaps.setting import setting_of
from quality_app.services.gaps.sides import sides_of
from quality_app.services.gaps.why import why
from quality_app.tests.conftest import MakeDataset, bars_at, write_rows
from quality_app.tests.frames import MINUTE_NS, rows_of

FIRST = 1_704_814_800_000_000_000  # 2024-01-09 15:40 UTC
CLOSES: Int64s = FIRST + MINUTE_NS * np.arange(1, 301)
HOLE = slice(100, 190)


def gap_of(dataset: Dataset, start_ns: int, end_ns: int, **fields: object) -> Gap:
    given = {"missing": 90, "severity": "high", "cause": "unexplained", "lost_ns": 90 * MINUTE_NS} | fields
    gap = Gap.objects.create(
        dataset=dataset,
        instrument_id=dataset.instrument_id,
        data_type=dataset.data_type,
        timeframe=dataset.timeframe,
        gap_start=datetime.fromtimestamp(start_ns // 10**9, UTC),
        gap_end=datetime.fromtimestamp(end_ns // 10**9, UTC),
        start_ns=start_ns,
        end_ns=end_ns,
        **given,
    )
    return Gap.objects.select_related("dataset__store", "dataset__definition").get(pk=gap.pk)


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> Dataset:
    return make_dataset("bar", bars_at(np.delete(CLOSES, HOLE)))


@pytest.fixture
def gap(dataset: Dataset) -> Gap:
    return gap_of(dataset, int(CLOSES[100]), int(CLOSES[189]))


def text_of(client: Client, gap: Gap) -> str:
    page = client.get(reverse("quality:gap", args=[gap.pk]))
    assert page.status_code == 200
    return page.content.decode()


def test_who_may_look(gap: Gap, trader_client: Client, nobody_client: Client, client: Client) -> None:
    for name in ("gap", "gap-others", "gap-interval"):
        address = reverse(f"quality:{name}", args=[gap.pk])
        assert trader_client.get(address).status_code == 200
        assert nobody_client.get(address).status_code == 403
        assert client.get(address).status_code == 302
        assert trader_client.post(address).status_code == 405
        assert trader_client.get(reverse(f"quality:{name}", args=[uuid.uuid4()])).status_code == 404


def test_the_page_tells_bounds_cause_and_local_time(gap: Gap, trader_client: Client) -> None:
    MonthCompleteness.objects.create(
        dataset=gap.dataset, month="2024-01-01", expected=1440, missing=90, explained=0, days={"9": [1440, 90, 0]}
    )
    text = text_of(trader_client, gap)
    assert "90 bars missing" in text
    assert "2024-01-09 17:21:00.000000000" in text
    assert "2024-01-09 18:50:00.000000000" in text
    assert "Tue 2024-01-09 12:21:00 EST to Tue 2024-01-09 13:50:00 EST" in text
    assert "America/New_York" in text
    assert "Cause: unexplained" in text
    assert "93.7 %" in text
    assert "certificate" not in text


def test_rows_on_both_sides_are_the_nearest_ones(gap: Gap) -> None:
    sides = sides_of(gap.dataset, span_of(gap))
    assert [row["ts_init"] for row in sides.before] == CLOSES[92:100].tolist()
    assert [row["ts_init"] for row in sides.after] == CLOSES[190:198].tolist()
    assert (sides.within, sides.problem) == (0, "")


def test_rows_that_came_since_are_counted(make_dataset: MakeDataset) -> None:
    for part in (slice(0, 100), slice(110, 120), slice(190, 300)):
        dataset = make_dataset("bar", bars_at(CLOSES[part]))
    sides = sides_of(dataset, (int(CLOSES[99]) + 1, int(CLOSES[189])))
    assert (sides.within, sides.after[0]["ts_init"], len(sides.before)) == (10, CLOSES[190], 8)


@pytest.mark.parametrize(("first", "last", "before", "after"), [(-90, -1, 0, 8), (400, 500, 8, 0)])
def test_a_gap_at_an_end_has_rows_on_one_side(dataset: Dataset, first: int, last: int, before: int, after: int) -> None:
    sides = sides_of(dataset, (FIRST + first * MINUTE_NS, FIRST + last * MINUTE_NS))
    assert (len(sides.before), len(sides.after), sides.within) == (before, after, 0)
    if before:
        assert sides.before[-1]["ts_init"] == CLOSES[-1]


def test_a_file_that_is_gone_is_said(gap: Gap, store: Store, trader_client: Client, tmp_path) -> None:
    for file in gap.dataset.files.all():
        (tmp_path / "store" / file.path).unlink()
    assert "Sync the store, then reload." in text_of(trader_client, gap)


def test_ticks_are_missing_between_their_rows(make_dataset: MakeDataset, trader_client: Client) -> None:
    rows = rows_of("quote", 20)
    for at, row in enumerate(rows):
        row["ts_init"] = row["ts_event"] = FIRST + at * MINUTE_NS + (50 * MINUTE_NS if at > 9 else 0)
    dataset = make_dataset("quote", rows)
    gap = gap_of(
        dataset, FIRST + 9 * MINUTE_NS, FIRST + 60 * MINUTE_NS, unit="seconds", missing=3060, lost_ns=51 * MINUTE_NS
    )
    sides = sides_of(dataset, span_of(gap))
    assert (sides.before[-1]["ts_init"], sides.after[0]["ts_init"], sides.within) == (gap.start_ns, gap.end_ns, 0)
    text = text_of(trader_client, gap)
    assert "51 min missing" in text
    assert "Last row before it" in text


def test_session_days_of_a_gap_over_a_weekend(dataset: Dataset) -> None:
    friday, monday = 1_705_093_200_000_000_000, 1_705_352_400_000_000_000  # 2024-01-12 21:00, 2024-01-15 21:00
    gap = gap_of(dataset, friday, monday)
    setting = setting_of(gap, span_of(gap))
    assert [str(day.day) for day in setting.days] == ["2024-01-12", "2024-01-15"]
    assert setting.days[1].opens == "Sun 2024-01-14 17:00:00 EST"
    assert setting.more == 0


def test_expected_units_are_those_of_the_session_days(gap: Gap) -> None:
    assert expected_units([gap]) == {gap.pk: None}
    MonthCompleteness.objects.create(
        dataset=gap.dataset,
        month="2024-01-01",
        expected=2880,
        missing=90,
        explained=0,
        days={"9": [1440, 90, 0], "10": [1439, 0, 0]},
    )
    evening = gap_of(gap.dataset, FIRST + 300 * MINUTE_NS, FIRST + 400 * MINUTE_NS)  # over 22:00 UTC
    rows = gap_of(gap.dataset, FIRST, FIRST + MINUTE_NS, unit="rows")
    assert expected_units([gap, evening, rows]) == {gap.pk: 1440, evening.pk: 2879, rows.pk: None}


def test_a_gap_that_ends_with_its_session_does_not_touch_the_next(gap: Gap) -> None:
    close = 1_704_837_600_000_000_000  # 2024-01-09 22:00 UTC, New York 17:00
    last = gap_of(gap.dataset, close - 10 * MINUTE_NS, close)
    first = gap_of(gap.dataset, close + MINUTE_NS, close + 10 * MINUTE_NS)
    assert [str(day.day) for day in setting_of(last, span_of(last)).days] == ["2024-01-09"]
    assert [str(day.day) for day in setting_of(first, span_of(first)).days] == ["2024-01-10"]


def test_other_datasets_count_what_they_have_in_it(
    gap: Gap, store: Store, make_dataset: MakeDataset, trader_client: Client, tmp_path
) -> None:
    rows = rows_of("quote", 10)
    for at, row in enumerate(rows):
        row["ts_init"] = row["ts_event"] = int(CLOSES[98]) + at * MINUTE_NS
    make_dataset("quote", rows)
    (tmp_path / "second" / "data").mkdir(parents=True)
    second = register_store(tmp_path / "second")
    write_rows(second, "bar", bars_at(CLOSES))
    sync_store(second)
    span = span_of(gap)
    assert [(one.dataset.store.name, one.dataset.data_type, one.rows) for one in others_in(gap.dataset, span)] == [
        ("second", "bar", 90),
        (store.name, "quote", 8),
    ]
    text = trader_client.get(reverse("quality:gap-others", args=[gap.pk])).content.decode()
    assert text.index("second") < text.index("Quotes")
    nothing = gap_of(gap.dataset, FIRST - 10 * MINUTE_NS, FIRST - MINUTE_NS)
    assert others_in(gap.dataset, span_of(nothing)) == []


def test_what_it_touches(gap: Gap, trader_client: Client) -> None:
    dataset, now = gap.dataset, timezone.now()
    assert impact_of(gap).is_empty
    bounds = {"whole": (None, None), "over": (int(CLOSES[150]), None), "before": (None, int(CLOSES[50]))}
    for name, (start, end) in bounds.items():
        Export.objects.create(
            dataset=dataset,
            export_type=name,
            parameters={"startNs": start, "endNs": end},
            completed_at=now,
            record_count=1,
        )
    Export.objects.create(dataset=dataset, export_type="failed", parameters={"startNs": None, "endNs": None})
    scopes = {
        "mine": {"instrumentId": "GBPUSD.SIM"},
        "all": {},
        "ticks": {"dataTypes": ["quote"]},
        "other": {"venue": "XCME"},
    }
    for name, scope in scopes.items():
        Schedule.objects.create(name=name, kind="scan_gaps", scope=scope, every_minutes=60)
    Schedule.objects.create(name="off", kind="scan_gaps", enabled=False, every_minutes=60)
    compared = Reconciliation.objects.create(name="Against quotes", instrument_id="GBP/USD.SIM")
    ReconciliationSource.objects.create(reconciliation=compared, position=0, dataset=dataset, label="x", price="close")
    Schedule.objects.create(name="pairs", kind="reconcile", scope={"reconciliationId": compared.pk}, every_minutes=60)
    runs = [
        ReconciliationRun.objects.create(
            reconciliation=compared,
            started_at=now,
            finished_at=now,
            start_ns=int(CLOSES[start]),
            end_ns=int(CLOSES[end]),
        )
        for start, end in ((0, 150), (0, 50))
    ]
    wants = [("EURUSD.SIM", None, None), ("GBPUSD.SIM", None, None), ("GBPUSD.SIM", dataset.store, int(CLOSES[50]))]
    for name, store, end in wants:
        WantedData.objects.create(
            instrument_id=name, data_type="bar", timeframe="1-MINUTE-BID", store=store, start_ns=FIRST, end_ns=end
        )
    found = impact_of(gap)
    assert {one.export_type for one in found.exports} == {"whole", "over"}
    assert [one.name for one in found.schedules] == ["all", "mine", "pairs"]
    assert [(one.reconciliation, one.run) for one in found.compared] == [(compared, runs[0])]
    assert [(one.instrument_id, one.store) for one in found.wanted] == [("GBPUSD.SIM", None)]
    text = text_of(trader_client, gap)
    for word in ("Against quotes", "compared this time", "GBPUSD.SIM bar 1-MINUTE-BID", "scan datasets for gaps"):
        assert word in text


def test_an_outage_names_its_incident_and_a_quiet_stretch_does_not(gap: Gap, dataset: Dataset) -> None:
    incident = SourceIncident.objects.create(
        venue="SIM", start_ns=int(CLOSES[99]), end_ns=int(CLOSES[195]), title="Feed was down"
    )
    SourceIncident.objects.create(venue="SIM", start_ns=0, end_ns=1, title="Long ago")
    gap.cause = "outage"
    (span,) = why(gap, span_of(gap)).spans
    assert (span.title, span.ident, span.end_ns) == ("Feed was down", str(incident.pk), CLOSES[195])
    gap.cause = "illiquid"
    assert why(gap, span_of(gap)).spans == []


def test_fills_history_and_decisions_are_shown(gap: Gap, store: Store, data_admin_client: Client) -> None:
    operation = StoreOperation.objects.create(store=store, kind="fill", path=gap.dataset.path)
    for keys, rows in (([str(gap.pk)], 90), ([str(uuid.uuid4())], 77)):
        GapFill.objects.create(
            dataset=gap.dataset, kind="dataset", source={}, spans=[], gaps=keys, rows=rows, seams=[],
            operation_id=operation.pk,
        )  # fmt: skip
    gap.details = {
        "history": [
            {
                "startNs": str(CLOSES[90]),
                "endNs": str(CLOSES[189]),
                "missing": 100,
                "until": "2024-02-01T00:00:00+00:00",
            },
            {"filledAt": "2024-02-02T00:00:00+00:00"},
        ],
        "decisions": [{"expected": True, "reason": "Maintenance", "by": "anna", "at": "2024-02-03T00:00:00+00:00"}],
    }
    gap.save()
    text = text_of(data_admin_client, gap)
    assert reverse("manage:operation", args=[operation.pk]) in text
    assert ">90<" in text
    assert ">77<" not in text
    for words in ("100 missing", "2024-02-02 00:00:00 UTC, and open again later", "Maintenance", "anna"):
        assert words in text


def test_marking_and_opening_again_come_back_to_the_page(gap: Gap, trader_client: Client) -> None:
    page = reverse("quality:gap", args=[gap.pk])
    assert "Mark as expected" in text_of(trader_client, gap)
    body = {"gap": str(gap.pk), "next": page, "reason": "The venue was closed."}
    assert trader_client.post(reverse("quality:expect-gaps"), body)["Location"] == page
    text = text_of(trader_client, gap)
    assert "Nothing was to be had: The venue was closed." in text
    assert "Open it again" in text
    trader_client.post(reverse("quality:expect-gaps"), {"gap": str(gap.pk), "next": page, "undo": "1"})
    assert "Nothing was to be had" not in text_of(trader_client, gap)


def test_a_filled_gap_takes_no_decision(gap: Gap, trader_client: Client) -> None:
    Gap.objects.filter(pk=gap.pk).update(filled_at=timezone.now())
    text = text_of(trader_client, gap)
    assert "Filled: its data was there" in text
    assert "Mark as expected" not in text


def test_a_chart_shades_from_the_close_before(gap: Gap, trader_client: Client) -> None:
    found = trader_client.get(reverse("quality:gap-interval", args=[gap.pk])).json()["intervals"]
    assert found == [{"startNs": str(CLOSES[99] + 1), "endNs": str(CLOSES[189])}]


def test_the_page_costs_a_bounded_number_of_queries(
    gap: Gap, trader_client: Client, django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(30):
        text_of(trader_client, gap)


def test_bars_that_carry_their_open_stand_for_the_time_after_it(gap: Gap) -> None:
    dataset = gap.dataset
    dataset.metadata = {"gapScan": {"stamp": "open", "alpha": 0.01}}
    dataset.save()
    close = 1_704_837_600_000_000_000  # 2024-01-09 22:00 UTC, New York 17:00
    first = gap_of(dataset, close, close + 9 * MINUTE_NS)
    assert span_of(first) == (close, close + 10 * MINUTE_NS - 1)
    assert [str(day.day) for day in setting_of(first, span_of(first)).days] == ["2024-01-10"]
    MonthCompleteness.objects.create(
        dataset=dataset,
        month="2024-01-01",
        expected=2,
        missing=0,
        explained=0,
        days={"9": [1440, 0, 0], "10": [7, 0, 0]},
    )
    assert expected_units([first]) == {first.pk: 7}
    assert why(first, span_of(first)).facts == [("Illiquid from a probability of", "1 %")]
