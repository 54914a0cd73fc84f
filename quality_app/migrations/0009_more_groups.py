"""Permissions of what came since the groups were made."""

from importlib import import_module

from django.db import migrations

TRADER = (
    "view_qualityrule",
    "view_suppression",
    "add_suppression",
    "view_anomaly",
    "triage_anomaly",
    "view_reconciliation",
    "view_reconciliationrun",
    "run_reconciliation",
    "view_qualityreport",
    "add_qualityreport",
    "view_schedule",
)
OWN = {"Trader": TRADER, "Analyst": TRADER, "Data admin": None}

def grant(apps, schema_editor):
    """Extend the groups as they were extended before."""
    import_module("quality_app.migrations.0002_groups").extend(apps, OWN)

class Migration(migrations.Migration):
    dependencies = [("quality_app", "0008_partial_results")]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
