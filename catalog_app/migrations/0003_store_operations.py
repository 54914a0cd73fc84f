"""Operations tell what they cost and what became of them; the Data admin group may change stores."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

CHANGING = ("maintain_store", "undo_operation", "purge_trash", "convert_store")


def grant(apps, schema_editor):
    """Make the new permissions, and give them to the Data admin group."""
    config = apps.get_app_config("catalog_app")
    module = getattr(config, "models_module", None)
    config.models_module = True  # historical apps lack it, and create_permissions skips them then
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = module
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    group, _ = Group.objects.get_or_create(name="Data admin")
    new = Permission.objects.filter(content_type__app_label="catalog_app", codename__in=CHANGING)
    group.permissions.add(*new)


def count(apps, schema_editor):
    """Fill the totals of the operations that are there."""
    Operation = apps.get_model("catalog_app", "StoreOperation")
    for operation in Operation.objects.iterator():
        before, after = operation.files_before, operation.files_after
        operation.file_count_before, operation.file_count_after = len(before), len(after)
        operation.bytes_before = sum(file.get("size_bytes", 0) for file in before)
        operation.bytes_after = sum(file.get("size_bytes", 0) for file in after)
        operation.save()


class Migration(migrations.Migration):
    dependencies = [
        ("catalog_app", "0002_groups"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AlterModelOptions(
            name="storeoperation",
            options={
                "ordering": ("-created_at",),
                "permissions": (
                    ("maintain_store", "Can change a store's files by maintenance operations"),
                    ("undo_operation", "Can take back an operation on a store"),
                    ("purge_trash", "Can delete files from a store's trash for good"),
                    ("convert_store", "Can convert datasets into a new store"),
                ),
            },
        ),
        migrations.RenameField("storeoperation", "rows_removed", "rows_before"),
        migrations.RenameField("storeoperation", "rows_added", "rows_after"),
        migrations.AlterField("storeoperation", "rows_before", models.BigIntegerField(null=True)),
        migrations.AlterField("storeoperation", "rows_after", models.BigIntegerField(null=True)),
        migrations.AddField(
            "storeoperation", "parameters", models.JSONField(default=dict, help_text="What was asked for.")
        ),
        migrations.AlterField(
            "storeoperation",
            "files_before",
            models.JSONField(default=list, help_text="[{path, size_bytes, sha256, rows}] that left."),
        ),
        migrations.AlterField(
            "storeoperation",
            "files_after",
            models.JSONField(default=list, help_text="[{path, size_bytes, sha256, rows}] that came."),
        ),
        migrations.AddField("storeoperation", "file_count_before", models.PositiveIntegerField(default=0)),
        migrations.AddField("storeoperation", "file_count_after", models.PositiveIntegerField(default=0)),
        migrations.AddField("storeoperation", "bytes_before", models.BigIntegerField(default=0)),
        migrations.AddField("storeoperation", "bytes_after", models.BigIntegerField(default=0)),
        migrations.AlterField("storeoperation", "created_at", models.DateTimeField(default=django.utils.timezone.now)),
        migrations.AddField(
            "storeoperation",
            "undone_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            "storeoperation",
            "undoes",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="undone_as",
                to="catalog_app.storeoperation",
            ),
        ),
        migrations.AddField(
            "storeoperation",
            "purged_at",
            models.DateTimeField(null=True, help_text="Its files left the trash: it cannot be undone any more."),
        ),
        migrations.AddIndex(
            "storeoperation", models.Index(fields=["-created_at"], name="catalog_app_created_547518_idx")
        ),
        migrations.AddIndex(
            "storeoperation", models.Index(fields=["store", "state"], name="catalog_app_store_i_3f6cc9_idx")
        ),
        migrations.RunPython(count, migrations.RunPython.noop),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
