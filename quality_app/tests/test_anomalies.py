"""Anomalies over validations: the same row stays the same anomaly, and decisions about it stay."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from catalog_app.models import Dataset, Store
from catalog_app.services.sync import sync_store
from catalog_app.store.maintenance import Consolidate, plan
from catalog_app.tests.store.maintenance.builders import run
from quality_app.models import Anomaly
from quality_app.services.anomalies.prices import told_by
from quality_app.services.anomalies.recording import explained, makes_anomalies, record, type_of
from quality_app.services.anomalies.standing import with_standing
from quality_app.services.anomalies.triage import TriageRefused, triage
from quality_app.services.validation.run import validate
from quality_app.tests.conftest import MakeDataset
from quality_app.tests.frames import MINUTE_NS, rows_of

Later = Callable[[list[dict], int], list[dict]]


def later(rows: list[dict], minutes: int) -> list[dict]:
    return [row | {name: row[name] + minutes * MINUTE_NS for name in ("ts_event", "ts_init")} for row in rows]


def crossed(count: int, *at: int) -> list[dict]:
    """Quotes of which those at the positions are crossed."""
    rows = rows_of("quote", count)
    for position in at:
        rows[position] |= {"bid_price": "1.20000"}
    return rows


def standings(dataset: Dataset) -> list[tuple[int, str]]:
    """(ts_init in minutes from the first row, standing) of the crossed quotes."""
    rows = with_standing(Anomaly.objects.filter(dataset=dataset, check_id="quote.crossed")).order_by("ts_init_ns")
    first = rows_of("quote", 1)[0]["ts_init"]
    return [((row.ts_init_ns - first) // MINUTE_NS, row.standing) for row in rows]


def validated(dataset: Dataset) -> Dataset:
    validate(dataset, check_ids=["quote.crossed"], force=True)
    return dataset


def test_a_row_that_is_found_again_is_the_same_anomaly(make_dataset: MakeDataset) -> None:
    dataset = validated(make_dataset("quote", crossed(50, 7, 9)))
    first = {row.pk: row.first_seen_at for row in Anomaly.objects.filter(check_id="quote.crossed")}
    validated(dataset)
    rows = Anomaly.objects.filter(check_id="quote.crossed")
    assert {row.pk: row.first_seen_at for row in rows} == first
    assert all(row.last_seen_at > first[row.pk] and row.resolved_at is None for row in rows)
    one = rows.get(row=7)
    assert (one.instrument_id, one.venue, one.type, one.severity) == ("GBP/USD.SIM", "SIM", "inconsistency", "major")
    assert one.values["bid_price"] == "1.20000"
    assert (one.value, one.expected, str(one.deviation)) == ("1.20000", "1.10010", "0.09990")
    assert one.file == dataset.files.get().path


def test_a_row_keeps_its_anomaly_when_files_are_joined(make_dataset: MakeDataset, store: Store) -> None:
    make_dataset("quote", crossed(10, 3))
    dataset = validated(make_dataset("quote", later(crossed(10, 4), 20)))
    triage([row.pk for row in Anomaly.objects.all()], "real_event", "flash crash", None)
    before = {row.pk: (row.file, row.row) for row in Anomaly.objects.filter(check_id="quote.crossed")}
    request = Consolidate(target_rows=1000)
    run(Path(store.root), plan(Path(store.root), dataset.path, request))
    sync_store(store)
    validated(dataset)
    after = {row.pk: (row.file, row.row) for row in Anomaly.objects.filter(check_id="quote.crossed")}
    assert after.keys() == before.keys()
    assert sorted(row for _, row in after.values()) == [3, 14]
    assert len({file for file, _ in after.values()}) == 1
    assert standings(dataset) == [(3, "real_event"), (24, "real_event")]


def test_equal_rows_are_an_anomaly_each(make_dataset: MakeDataset) -> None:
    rows = crossed(10, 3)
    validated(make_dataset("quote", [*rows[:4], rows[3], *rows[4:]]))
    assert sorted(Anomaly.objects.filter(check_id="quote.crossed").values_list("row", flat=True)) == [3, 4]


def test_what_a_validation_no_longer_finds_is_gone_and_may_come_back(make_dataset: MakeDataset) -> None:
    dataset = validated(make_dataset("quote", crossed(10, 3, 5)))
    found = dataset.runs.get().results.get(check_id="quote.crossed")
    rerun = dataset.runs.get()
    kept = found.samples
    for samples, expected in ((kept[:1], [(3, "open"), (5, "gone")]), (kept, [(3, "open"), (5, "open")])):
        found.samples, found.violations = samples, len(samples)
        found.save()
        record(rerun)
        assert standings(dataset) == expected


def test_rows_beyond_the_kept_ones_are_not_taken_for_gone(make_dataset: MakeDataset) -> None:
    dataset = validated(make_dataset("quote", crossed(10, 3, 5, 8)))
    found = dataset.runs.get().results.get(check_id="quote.crossed")
    found.samples, found.violations = found.samples[1:2], 3
    found.save()
    record(dataset.runs.get())
    # Only the row before the kept one would have been listed.
    assert standings(dataset) == [(3, "gone"), (5, "open"), (8, "open")]


def test_decisions_count_in_no_score_and_are_kept(make_dataset: MakeDataset, trader: User) -> None:
    dataset = validated(make_dataset("quote", crossed(50, 7, 9, 11)))
    keys = list(Anomaly.objects.filter(check_id="quote.crossed").order_by("row").values_list("pk", flat=True))
    triage(keys[:1], "real_event", "", trader)
    triage(keys[1:2], "ignored", "vendor's test tick", trader, timezone.now() + timedelta(days=3))
    triage(keys[2:], "bad_data", "", trader)
    assert explained(dataset) == {"quote.crossed": 2}
    assert standings(dataset) == [(7, "real_event"), (9, "ignored"), (11, "bad_data")]
    one = Anomaly.objects.get(pk=keys[1])
    assert (one.decided_by, one.reason) == (trader, "vendor's test tick")
    assert [(d.state, d.user, d.reason) for d in one.decisions.all()] == [("ignored", trader, "vendor's test tick")]


def test_ignoring_ends_with_its_time(make_dataset: MakeDataset, trader: User) -> None:
    dataset = validated(make_dataset("quote", crossed(50, 7)))
    triage(
        [Anomaly.objects.get(check_id="quote.crossed").pk],
        "ignored",
        "for now",
        trader,
        timezone.now() + timedelta(days=3),
    )
    Anomaly.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert standings(dataset) == [(7, "open")]
    assert explained(dataset) == {}


@pytest.mark.parametrize(
    ("decision", "reason", "days", "why"),
    [
        ("ignored", "  ", None, "Say why"),
        ("repaired", "x", None, "Say what they are"),
        ("ignored", "x", -1, "over before it begins"),
    ],
)
def test_a_decision_without_sense_is_refused(
    make_dataset: MakeDataset, trader: User, decision: str, reason: str, days: int | None, why: str
) -> None:
    dataset = validated(make_dataset("quote", crossed(50, 7)))
    until = None if days is None else timezone.now() + timedelta(days=days)
    with pytest.raises(TriageRefused, match=why):
        triage([row.pk for row in Anomaly.objects.all()], decision, reason, trader, until)
    assert standings(dataset) == [(7, "open")]


def test_nothing_and_too_many_are_refused(trader: User) -> None:
    for keys, why in (([], "at least one"), ([Anomaly().pk] * 1001, "at most")):
        with pytest.raises(TriageRefused, match=why):
            triage(keys, "open", "", trader)


def test_checks_of_single_rows_make_anomalies_of_their_type() -> None:
    assert all(map(makes_anomalies, ("quote.crossed", "bar.ohlc", "price.positive")))
    assert not any(map(makes_anomalies, ("time.order", "file.unreadable", "quote.locked", "retired.check")))
    assert [type_of(name) for name in ("return.spike", "quote.outlier", "price.jump", "bar.ohlc")] == [
        *("spike", "outlier", "jump", "inconsistency")
    ]


def test_rules_on_a_row_alone_say_what_contradicts_what() -> None:
    bar = {"open": "1.10", "high": "1.2", "low": "1.1", "close": "1.15", "volume": "3"}
    for check_id, values, told in (
        ("bar.ohlc", bar | {"high": "1.09"}, ("1.09", "1.15")),
        ("bar.ohlc", bar | {"low": "1.12"}, ("1.12", "1.10")),
        ("price.positive", bar | {"low": "-10"}, ("-10", "")),
        ("price.positive", {"bid_price": "", "ask_price": "0"}, ("0", "")),
        ("quote.crossed", {"bid_price": "2", "ask_price": "1"}, ("2", "1")),
        ("bar.ohlc", {}, ("", "")),
        ("quote.outlier", {"bid_price": "2"}, ("", "")),
    ):
        assert told_by(check_id, values) == told
