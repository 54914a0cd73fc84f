"""What a report says, and what it does not claim to know."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog_app.models import Dataset, Store, StoreOperation
from quality_app.models import Anomaly
from quality_app.services.reports.content import build
from quality_app.services.reports.document import Document, UnknownVersion
from quality_app.services.reports.facts import rate_text
from quality_app.services.reports.scope import ScopeUnknown, parts_of, scope_of
from quality_app.services.reports.text import text_of
from quality_app.tests.reports.conftest import DAY, MakeReport, make_dataset, make_gap, make_run, measure, moment

pytestmark = pytest.mark.django_db


def built(kind: str = "catalog", key: str = "", days: int = 1) -> Document:
    now = timezone.now()
    return build(scope_of(kind, key), "daily", now - days * DAY, now, now)


def value(document: Document, name: str) -> object:
    found = document.figure(*name.split("."))
    assert found is not None
    return found.value


def test_scores_are_compared_with_the_last_measurement_before_the_period(past: Dataset, store: Store) -> None:
    make_dataset(store, 2)  # never measured: counts in no mean
    figure = built().figure("scores", "overall")
    assert figure is not None
    assert (figure.value, figure.before, figure.measured) == ("0.9000", "0.9800", "1 of 2 datasets")
    document = built()
    assert value(document, "changes.fell") == 1
    (table, _) = document.section("changes").tables
    (row,) = table.rows
    assert (row["dataset"], row["change"]) == (past.title, "-0.0800")


def test_what_was_not_measured_by_the_start_is_unknown_and_said_so(past: Dataset) -> None:
    document = built(days=5)
    assert document.head["history"]["reachesStart"] is False
    assert document.figure("scores", "overall").before is None
    assert value(document, "changes.fell") == 0
    assert value(document, "changes.first") == 1
    assert value(document, "storage.rows_growth") is None
    assert "is unknown" in document.section("changes").note


def test_nothing_measured_leaves_no_number_behind(store: Store) -> None:
    make_dataset(store, record_count=None, size_bytes=0)
    document = built()
    names = ("scores.overall", "anomalies.new", "gaps.open", "gaps.new", "storage.rows", "storage.size_bytes_growth")
    assert [value(document, name) for name in names] == [None] * len(names)
    assert all(known is None for chart in document.section("scores").charts[:5] for known in chart.values)


def test_a_score_that_became_unknown_has_no_earlier_state(past: Dataset) -> None:
    measure(past, timezone.now() - 2 * DAY, overall=None)
    assert built().figure("scores", "overall").before is None


def test_a_past_period_is_told_from_the_history_alone(store: Store) -> None:
    dataset = make_dataset(store, quality_score=Decimal("0.5"), record_count=9)
    measure(dataset, moment(1), overall="0.8", rows="5", size_bytes="50")
    measure(dataset, moment(3), overall="0.7", rows="7", size_bytes="70")
    measure(dataset, moment(9), overall="0.5", rows="9", size_bytes="90")
    document = build(scope_of("catalog", ""), "custom", moment(2), moment(4), moment(10))
    figure = document.figure("scores", "overall")
    assert (figure.before, figure.value) == ("0.8000", "0.7000")
    assert (value(document, "storage.rows"), value(document, "storage.size_bytes_growth")) == (7, 20)
    trend = document.section("scores").charts[0].values
    assert (trend[0], trend[-1]) == ("0.8000", "0.7000")
    dataset.refresh_from_db()
    assert dataset.quality_score == Decimal("0.5")


def test_the_trend_is_the_mean_of_what_was_known_then(store: Store) -> None:
    first, second = make_dataset(store, 1), make_dataset(store, 2)
    measure(first, moment(1), overall="0.9")
    measure(second, moment(3), overall="0.5")
    measure(first, moment(5), overall=None)
    document = build(scope_of("catalog", ""), "custom", moment(1), moment(7), moment(9))
    values = document.section("scores").charts[0].values
    assert (values[0], values[12], values[-1]) == ("0.9000", "0.7000", "0.5000")


def test_gaps_are_new_open_and_filled_by_their_own_times(past: Dataset) -> None:
    now = timezone.now()
    make_gap(past, now - 3 * DAY, 2, filled_at=now - DAY / 4)
    make_gap(past, now - 3 * DAY, 3)
    make_gap(past, now - DAY / 2, 4, cause="illiquid")
    document = built()
    figures = {figure.ident: figure.value for figure in document.section("gaps").figures}
    assert figures == {"open": 2, "minutes": 120, "new": 1, "filled": 1, "illiquid": 1}
    assert document.figure("gaps", "open").before == 2


def test_anomalies_count_by_what_held_at_the_moment(past: Dataset) -> None:
    now = timezone.now()

    def found(number: int, **fields: object) -> None:
        Anomaly.objects.create(
            dataset=past,
            data_type="quote",
            check_id="quote.crossed",
            check_version=1,
            type="inconsistency",
            severity="critical",
            file="a",
            file_size=1,
            file_mtime_ns=1,
            row=number,
            ts_init_ns=number,
            timestamp=moment(1),
            identity=str(number),
            **fields,
        )

    found(1, first_seen_at=now - DAY / 2)
    found(2, first_seen_at=now - 3 * DAY)
    found(3, first_seen_at=now - 3 * DAY, state="real_event", decided_at=now - DAY / 2)
    found(4, first_seen_at=now - 3 * DAY, resolved_at=now - DAY / 2)
    found(5, first_seen_at=now - 3 * DAY, state="ignored", decided_at=now - 2 * DAY)
    document = built()
    figures = {figure.ident: figure.value for figure in document.section("anomalies").figures}
    assert figures == {"new": 1, "open": 2, "decided": 1, "gone": 1}
    assert document.figure("anomalies", "open").before == 3


def test_checks_count_the_latest_run_of_each_dataset_alone(past: Dataset) -> None:
    make_run(past, timezone.now() - 3 * DAY, quote_crossed=500)
    (table,) = built().section("checks").tables
    assert [(row["check"], row["violations"], row["rate"]) for row in table.rows] == [
        ("quote.crossed", 7, "0.0070000000")
    ]
    (worst,) = built().section("worst").tables
    assert worst.rows[0]["cause"] == "quote.crossed: 7 of 1,000 rows"


def test_a_rare_finding_is_never_written_as_none(past: Dataset) -> None:
    assert text_of(rate_text(1, 10**12), "rate") == "< 0.0001 %"
    assert text_of(rate_text(1, 10**6), "rate") == "0.0001 %"
    assert text_of(rate_text(0, 10**6), "rate") == "0.0000 %"


def test_trends_up_to_now_end_with_what_the_catalog_says(past: Dataset) -> None:
    Dataset.objects.update(record_count=1234, quality_score=None)
    document = built()
    assert document.section("storage").charts[0].values[-1] == 1234
    assert document.section("scores").charts[0].values[-1] is None


def test_coverage_says_what_was_never_validated_and_what_changed_since(past: Dataset, store: Store) -> None:
    make_dataset(store, 2)
    make_dataset(store, 3, state="unsupported")
    make_run(make_dataset(store, 4, record_count=1001), timezone.now() - DAY / 4)
    figures = {figure.ident: figure.value for figure in built().section("coverage").figures}
    assert figures == {
        "share": "0.6666",
        "rows": "0.3332",
        "outdated": 1,
        "never": 1,
        "unsupported": 1,
        "runs": 2,
    }


def test_operations_of_other_datasets_are_left_out(past: Dataset, store: Store) -> None:
    for path in (past.path, "data/other"):
        StoreOperation.objects.create(
            store=store, kind="consolidate", path=path, bytes_before=10, bytes_after=4, file_count_before=3
        )
    (table,) = built().section("operations").tables
    assert [(row["operations"], row["left"], row["bytes"]) for row in table.rows] == [(1, 3, -6)]


def test_a_scope_holds_its_own_datasets(past: Dataset, store: Store) -> None:
    other = Store.objects.create(name="other", root="/srv/other")
    make_dataset(other, 1, venue="XNAS", instrument_id="AAPL.XNAS")
    counts = {
        scope: value(built(*scope), "summary.datasets")
        for scope in (("catalog", ""), ("store", str(other.pk)), ("venue", "SIM"), ("instrument", "AAPL.XNAS"))
    }
    assert list(counts.values()) == [2, 1, 1, 1]
    assert [part.key for part in parts_of(scope_of("catalog", ""), "venue")] == ["SIM", "XNAS"]


def test_an_instrument_is_found_with_and_without_its_slash(store: Store) -> None:
    make_dataset(store, 1, instrument_id="EUR/USD.SIM")
    assert scope_of("instrument", "EURUSD.SIM") == scope_of("instrument", "EUR/USD.SIM")


@pytest.mark.parametrize(("kind", "key"), [("venue", ""), ("venue", "NONE"), ("store", "9' --"), ("planet", "x")])
def test_an_unknown_scope_is_refused(kind: str, key: str) -> None:
    with pytest.raises(ScopeUnknown):
        scope_of(kind, key)


def test_each_report_stands_beside_the_one_before_it(make_report: MakeReport, past: Dataset) -> None:
    first = make_report()
    make_report("venue", "SIM")
    Dataset.objects.update(quality_score=Decimal("0.95"))
    type(first).objects.filter(pk=first.pk).update(end=first.end - DAY / 24)
    second = Document.from_json(make_report().content)
    figure = second.figure("scores", "overall")
    assert (figure.value, figure.previous) == ("0.9500", "0.9000")
    assert second.head["previous"]["reportId"] == str(first.pk)


def test_what_is_kept_reads_back_as_it_was(make_report: MakeReport) -> None:
    kept = make_report()
    document = Document.from_json(kept.content)
    assert document.to_json() == kept.content
    assert kept.score == Decimal("0.9")
    with pytest.raises(UnknownVersion):
        Document.from_json({**kept.content, "version": 99})


def test_the_number_of_queries_does_not_grow_with_the_datasets(past: Dataset, store: Store) -> None:
    counts = []
    for round_number in (1, 2):
        for number in range(30):
            dataset = make_dataset(store, round_number * 100 + number)
            measure(dataset, timezone.now() - 2 * DAY, overall="0.9", rows="10")
            make_run(dataset, timezone.now() - DAY / 3, quote_crossed=number)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            built()
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert counts[0] <= 24
