"""Fills by policy: off by default, within limits, only where every seam is in order, and never what was undone."""

import polars as pl
import pytest
from django.contrib.auth.models import User

from catalog_app.models import Dataset, Job, StoreOperation
from catalog_app.models.job import JobState
from catalog_app.services.jobs import run_inline
from quality_app.forms.fills import FillPolicyForm
from quality_app.models import FillPolicy, GapFill
from quality_app.services.gaps.filling.policies import apply_policies
from quality_app.services.gaps.scan import scan
from quality_app.tests.filling.conftest import HOLE, MakeStore, done, open_gaps, walking_bars, without


@pytest.fixture
def policy(holed: Dataset) -> FillPolicy:
    return FillPolicy.objects.create(
        name="from the whole one", store=holed.store, sources=["other", "whole"], is_active=True, note="same feed"
    )


def applied(dataset: Dataset) -> Job | None:
    job = apply_policies(Dataset.objects.select_related("store", "definition").get(pk=dataset.pk))
    return None if job is None else done(job)


def test_a_policy_fills_after_the_scan_and_says_so(holed: Dataset, whole: Dataset, policy: FillPolicy) -> None:
    scanned = run_inline("scan_gaps", {"datasetIds": [str(holed.pk)], "force": True})
    assert scanned.state == JobState.SUCCEEDED, scanned.error
    job = done(Job.objects.get(kind="fill_gaps"))
    assert job.state == JobState.SUCCEEDED, job.error
    fill = GapFill.objects.get()
    assert (fill.by_policy, fill.rows, fill.source["policy"]) == (True, 60, policy.name)
    assert StoreOperation.objects.get(kind="fill").parameters["policy"] == policy.name
    assert not open_gaps(holed)


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"longest_minutes": 59},
        {"most_rows_per_day": 0},
        {"venue": "ELSEWHERE"},
        {"data_type": "quote"},
        {"sources": []},
    ],
)
def test_outside_its_limits_a_policy_does_nothing(
    holed: Dataset, whole: Dataset, policy: FillPolicy, change: dict[str, object]
) -> None:
    FillPolicy.objects.filter(pk=policy.pk).update(**change)
    assert applied(holed) is None


def test_more_rows_than_a_day_allows_are_left_to_people(holed: Dataset, whole: Dataset, policy: FillPolicy) -> None:
    FillPolicy.objects.filter(pk=policy.pk).update(most_rows_per_day=59)
    job = applied(holed)
    assert job is not None
    assert job.state == JobState.FAILED
    assert "more than the policy may still write today (59)" in job.lines.get(level="warning").text
    # The same is not tried again.
    assert applied(holed) is None


def test_a_warning_on_a_seam_sends_the_policy_to_the_next_source(
    holed: Dataset, make_store: MakeStore, whole: Dataset, policy: FillPolicy
) -> None:
    inside = pl.int_range(pl.len()).is_between(HOLE.start, HOLE.stop - 1)
    prices = ("open", "high", "low", "close")
    moved = walking_bars().with_columns(
        pl.when(inside).then(pl.col(name) * 10).otherwise(name).alias(name) for name in prices
    )
    make_store(moved, name="other")
    job = applied(holed)
    assert job is not None
    assert job.state == JobState.SUCCEEDED, job.error
    assert GapFill.objects.get().source["store"] == "whole"
    assert "continuity" in job.lines.get(level="warning").text


def test_a_gap_with_a_warning_does_not_keep_the_others_from_being_filled(make_store: MakeStore, whole: Dataset) -> None:
    dataset = make_store(without(without(walking_bars(), slice(800, 830))), name="holed")
    inside = pl.int_range(pl.len()).is_between(800, 829)
    bad = walking_bars().with_columns(pl.when(inside).then(pl.col("open") * 10).otherwise("open").alias("open"))
    make_store(bad.with_columns(high=pl.max_horizontal("open", "high")), name="other")
    FillPolicy.objects.create(name="p", store=dataset.store, sources=["other"], is_active=True, note="n")
    scan(dataset)
    job = applied(dataset)
    assert job is not None
    assert job.state == JobState.SUCCEEDED, job.error
    assert [gap.missing for gap in open_gaps(dataset)] == [30]


def test_what_somebody_undid_is_not_filled_again(
    holed: Dataset, whole: Dataset, policy: FillPolicy, data_admin: User
) -> None:
    job = applied(holed)
    assert job is not None
    undone = run_inline("undo", {"operationId": job.result["operationId"]}, data_admin)
    assert undone.state == JobState.SUCCEEDED, undone.error
    scan(Dataset.objects.select_related("store", "definition").get(pk=holed.pk))
    assert open_gaps(holed)
    assert applied(holed) is None


def test_a_job_that_was_killed_after_its_commit_only_finishes_the_records(
    holed: Dataset, whole: Dataset, policy: FillPolicy
) -> None:
    job = applied(holed)
    assert job is not None
    GapFill.objects.all().delete()
    again = run_inline("fill_gaps", job.parameters)
    assert again.state == JobState.SUCCEEDED, again.error
    assert GapFill.objects.get().rows == 60
    assert StoreOperation.objects.filter(kind="fill").count() == 1


def test_the_form_takes_names_of_stores_in_their_order(holed: Dataset, whole: Dataset) -> None:
    given = {
        "name": "n",
        "store": holed.store_id,
        "sources": "whole\nholed",
        "longest_minutes": 5,
        "most_rows_per_day": 100,
        "note": "why",
    }
    form = FillPolicyForm(given)
    assert not form.is_valid()
    assert "only of bars that are built" in form.errors["sources"][0]
    form = FillPolicyForm({**given, "build_bars": "on"})
    assert form.is_valid(), form.errors
    assert form.save().sources == ["whole", "holed"]
    assert not form.instance.is_active
    assert "No such store: nowhere" in FillPolicyForm({**given, "name": "m", "sources": "nowhere"}).errors["sources"][0]
