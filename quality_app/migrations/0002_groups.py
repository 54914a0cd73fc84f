"""This app's permissions for the groups that catalog_app made."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

TRADER = ("view_gap", "view_qualitymetric", "view_validationrun", "view_checkresult", "add_validationrun", "scan_gaps")
OWN = {"Trader": TRADER, "Analyst": TRADER, "Data admin": None}


def grant(apps, schema_editor):
    """Extend the groups."""
    extend(apps, OWN)


def extend(apps, granted):
    """Give groups permissions by codename; None grants everything of the app."""
    config = apps.get_app_config("quality_app")
    module = getattr(config, "models_module", None)
    config.models_module = True  # historical apps lack it, and create_permissions skips them then
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = module
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    everything = Permission.objects.filter(content_type__app_label="quality_app")
    for name, codenames in granted.items():
        group = Group.objects.get_or_create(name=name)[0]
        group.permissions.add(*(everything if codenames is None else everything.filter(codename__in=codenames)))


class Migration(migrations.Migration):
    dependencies = [("quality_app", "0001_initial"), ("catalog_app", "0002_groups")]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
