"""Permissions of what gaps brought."""

from importlib import import_module

from django.db import migrations

TRADER = (
    "expect_gap",
    "view_gapfill",
    "view_fillpolicy",
    "view_sourceincident",
    "add_sourceincident",
    "view_tradingcalendar",
    "view_calendarday",
    "view_calendarassignment",
    "view_wanteddata",
    "add_wanteddata",
    "change_wanteddata",
    "delete_wanteddata",
)
OWN = {"Trader": TRADER, "Analyst": TRADER, "Data admin": None}


def grant(apps, schema_editor):
    """Extend the groups as they were extended before."""
    import_module("quality_app.migrations.0002_groups").extend(apps, OWN)


class Migration(migrations.Migration):
    dependencies = [("quality_app", "0010_gaps")]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
