"""Indexes of the list of gaps and of completeness."""

from django.db import migrations, models

_OPEN = models.Q(("expected_at", None), ("filled_at", None))


def _gap(name, *fields, condition=None):
    return migrations.AddIndex("gap", models.Index(fields=fields, condition=condition, name=name))


class Migration(migrations.Migration):
    dependencies = [("quality_app", "0011_gap_groups")]
    operations = [
        _gap("gap_open_start", "start_ns", "gap_id", condition=_OPEN),
        _gap(
            "gap_open_length",
            *("lost_ns", "start_ns", "gap_id", "cause", "filled_at", "expected_at"),
            condition=_OPEN,
        ),
        _gap("gap_open_missing", "missing", "start_ns", "gap_id", condition=_OPEN),
        _gap(
            "gap_open_instrument",
            *("instrument_id", "data_type", "timeframe", "start_ns", "gap_id"),
            condition=_OPEN,
        ),
        _gap("gap_start", "start_ns", "gap_id"),
        _gap(
            "gap_facets",
            *("dataset", "cause", "severity", "unit", "filled_at", "expected_at"),
            *("lost_ns", "start_ns", "end_ns"),
        ),
        migrations.AddIndex(
            "monthcompleteness",
            models.Index(fields=("dataset", "month", "expected", "missing", "illiquid"), name="month_sums"),
        ),
    ]
