"""The history of metrics: what is written, and how lines are read and thinned."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.models import Dataset
from quality_app.models import QualityMetric
from quality_app.services.history.metrics import Point, names_of, record, record_many, record_storage, series, thin
from quality_app.tests.dashboard.conftest import DAY, NOW, MakeRow

END = NOW + 100 * DAY


def values_of(dataset: Dataset, name: str = "overall") -> list[Decimal | None]:
    found = QualityMetric.objects.filter(dataset=dataset, metric_name=name).order_by("timestamp")
    return list(found.values_list("metric_value", flat=True))


def keep(dataset: Dataset, value: str | None, day: int, name: str = "overall") -> int:
    return record(dataset, {name: (None if value is None else Decimal(value), {})}, NOW + day * DAY)


def test_only_what_changed_is_written(make_row: MakeRow) -> None:
    dataset = make_row()
    assert [keep(dataset, value, day) for day, value in enumerate(["0.9", "0.9", "0.90000000", "0.8", "0.9"])] == [
        1,
        0,
        0,
        1,
        1,
    ]
    assert values_of(dataset) == [Decimal("0.9"), Decimal("0.8"), Decimal("0.9")]
    (latest,) = QualityMetric.objects.filter(is_latest=True)
    assert (latest.metric_value, latest.instrument_id) == (Decimal("0.9"), dataset.instrument_id)


def test_unknown_is_a_point_after_a_value_and_nothing_before_one(make_row: MakeRow) -> None:
    dataset = make_row()
    assert [keep(dataset, value, day) for day, value in enumerate([None, "0.5", None, None])] == [0, 1, 1, 0]
    assert values_of(dataset) == [Decimal("0.5"), None]


def test_a_clock_that_steps_back_makes_no_earlier_point(make_row: MakeRow) -> None:
    dataset = make_row()
    keep(dataset, "0.5", 2)
    keep(dataset, "0.6", 1)
    (line,) = series([dataset.pk], ["overall"], None, END)
    assert [point.at for point in line.points] == [NOW + 2 * DAY] * 2
    (held,) = series([dataset.pk], ["overall"], NOW + 3 * DAY, END)
    assert [point.value for point in held.points] == [Decimal("0.6")]


def test_findings_are_marked_while_they_last(make_row: MakeRow) -> None:
    dataset = make_row()
    keep(dataset, "0.01", 0, "check.quote.crossed")
    keep(dataset, "0.01", 0, "accuracy")
    assert [row.metric_name for row in QualityMetric.objects.filter(is_finding=True)] == ["check.quote.crossed"]
    keep(dataset, "0", 1, "check.quote.crossed")
    assert not QualityMetric.objects.filter(is_finding=True).exists()


def test_one_point_of_a_name_is_the_latest(make_row: MakeRow) -> None:
    dataset = make_row()
    keep(dataset, "0.5", 0)
    with pytest.raises(IntegrityError):
        QualityMetric.objects.create(dataset=dataset, metric_name="overall", timestamp=NOW, is_latest=True)


def test_recording_costs_the_same_however_long_the_history(make_row: MakeRow, django_assert_num_queries) -> None:
    dataset, other = make_row(), make_row("GBP/USD.SIM")
    for day in range(30):
        keep(dataset, f"0.{10 + day}", day)
    with django_assert_num_queries(6):  # four, and a savepoint
        keep(dataset, "0.99", 40)
    with django_assert_num_queries(6):
        record_many([(one, {"overall": (Decimal("0.1"), {})}) for one in (dataset, other)], END)


def test_the_daily_tick_keeps_rows_and_sizes_that_changed(make_row: MakeRow) -> None:
    dataset, unread = make_row(record_count=10, size_bytes=900), make_row("GBP/USD.SIM", size_bytes=5)
    assert record_storage(NOW) == 3
    assert values_of(unread, "rows") == []
    assert record_storage(NOW + DAY) == 0
    Dataset.objects.filter(pk=dataset.pk).update(record_count=12)
    assert record_storage(NOW + 2 * DAY) == 1
    assert values_of(dataset, "rows") == [10, 12]


def test_a_line_begins_with_what_held(make_row: MakeRow) -> None:
    dataset, late = make_row(), make_row("GBP/USD.SIM")
    for day, value in enumerate(["0.5", "0.6", "0.7", "0.8"]):
        keep(dataset, value, day * 10)
    keep(late, "0.1", 50)
    lines = series([dataset.pk, late.pk], ["overall"], NOW + 15 * DAY, NOW + 25 * DAY)
    assert [(line.dataset_id, [(p.at, p.value) for p in line.points]) for line in lines] == [
        (dataset.pk, [(NOW + 15 * DAY, Decimal("0.6")), (NOW + 20 * DAY, Decimal("0.7"))])
    ]


def test_lines_cost_three_queries(make_row: MakeRow, django_assert_num_queries) -> None:
    datasets = [make_row(f"S{number}.SIM") for number in range(5)]
    for dataset in datasets:
        for name in ("overall", "accuracy", "rows"):
            keep(dataset, "0.5", 0, name)
            keep(dataset, "0.6", 2, name)
    with django_assert_num_queries(3):
        lines = series([row.pk for row in datasets], ["overall", "rows"], NOW + DAY, END)
    assert len(lines) == 10
    assert names_of([datasets[0].pk]) == ["accuracy", "overall", "rows"]


def test_too_few_points_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 5"):
        series([], ["overall"], None, END, 4)


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.none() | st.decimals(0, 1, places=4)), min_size=1, max_size=300),
    st.integers(5, 60),
)
def test_thinning_keeps_measured_extremes_and_ends(raw: list[tuple[int, Decimal | None]], most: int) -> None:
    points = [Point(NOW + timedelta(seconds=at), value) for at, value in sorted(raw, key=lambda one: one[0])]
    kept = thin(points, most)
    assert len(kept) <= most
    assert all(any(point is one for one in points) for point in kept)
    assert [point.at for point in kept] == sorted(point.at for point in kept)
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    known, left = ({p.value for p in some if p.value is not None} for some in (points, kept))
    if known:
        assert (min(left), max(left)) == (min(known), max(known))
    assert (None in {p.value for p in kept}) == (None in {p.value for p in points})
