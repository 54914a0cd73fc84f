"""The groups Trader, Analyst and Data admin with this app's permissions."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

TRADER = (
    *(f"view_{model}" for model in ("store", "instrument", "dataset", "datafile", "job", "jobline", "export", "import")),
    "view_storeoperation",
    "add_export",
)
ANALYST = (*TRADER, "view_upload", "add_upload", "add_import")
OWN = {"Trader": TRADER, "Analyst": ANALYST, "Data admin": None}


def grant(apps, schema_editor):
    """Create the groups; None grants everything of the app."""
    config = apps.get_app_config("catalog_app")
    module = getattr(config, "models_module", None)
    config.models_module = True  # historical apps lack it, and create_permissions skips them then
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = module
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    everything = Permission.objects.filter(content_type__app_label="catalog_app")
    for name, codenames in OWN.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*(everything if codenames is None else everything.filter(codename__in=codenames)))


class Migration(migrations.Migration):
    dependencies = [("catalog_app", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
