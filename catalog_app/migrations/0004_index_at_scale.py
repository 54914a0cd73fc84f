"""Files are listed before they are read; stores are watched; dialects and precisions of every file are kept."""

import django.db.models.deletion
from django.db import migrations, models


def read_again(apps, schema_editor):
    """Have the next sync read every data file: their precisions are not known yet, and more dialects are read now."""
    apps.get_model("catalog_app", "DataFile").objects.filter(role="data").update(state="listed")


class Migration(migrations.Migration):
    dependencies = [
        ("catalog_app", "0003_store_operations"),
    ]

    operations = [
        migrations.CreateModel(
            name="RunFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("backtest", "Backtest"), ("live", "Live")], max_length=20)),
                ("instance_id", models.CharField(help_text="The node or engine that ran.", max_length=255)),
                ("class_name", models.CharField(help_text="quote_tick, order_filled, …", max_length=255)),
                (
                    "identifier",
                    models.CharField(blank=True, help_text="Instrument or bar type, as in the path.", max_length=300),
                ),
                ("path", models.CharField(help_text="Below the store's root, with forward slashes.", max_length=900)),
                ("size_bytes", models.BigIntegerField()),
                ("mtime_ns", models.BigIntegerField()),
                ("rows", models.BigIntegerField(help_text="Null while it is being written.", null=True)),
                ("start_ns", models.BigIntegerField(help_text="First ts_init, UNIX nanoseconds.", null=True)),
                ("end_ns", models.BigIntegerField(help_text="Last ts_init, UNIX nanoseconds.", null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ok", "OK"),
                            ("listed", "Listed, not read yet"),
                            ("unreadable", "Unreadable"),
                            ("unsupported", "Unsupported"),
                        ],
                        default="ok",
                        max_length=20,
                    ),
                ),
                ("problem", models.TextField(blank=True)),
            ],
            options={
                "ordering": ("path",),
            },
        ),
        migrations.AddField(
            model_name="datafile",
            name="price_precision",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="datafile",
            name="size_precision",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="dataset",
            name="changed_at",
            field=models.DateTimeField(help_text="A change that nobody was told of yet.", null=True),
        ),
        migrations.AddField(
            model_name="dataset",
            name="listed_count",
            field=models.PositiveIntegerField(default=0, help_text="Files that are listed and not read yet."),
        ),
        migrations.AddField(
            model_name="dataset",
            name="told_at",
            field=models.DateTimeField(help_text="When checks were last told of a change that was noticed.", null=True),
        ),
        migrations.AddField(
            model_name="store",
            name="looked_at",
            field=models.DateTimeField(blank=True, help_text="When the watcher last looked for changes.", null=True),
        ),
        migrations.AddField(
            model_name="store",
            name="watched_until",
            field=models.DateTimeField(editable=False, help_text="The look under way ends by then.", null=True),
        ),
        migrations.AlterField(
            model_name="datafile",
            name="state",
            field=models.CharField(
                choices=[
                    ("ok", "OK"),
                    ("listed", "Listed, not read yet"),
                    ("unreadable", "Unreadable"),
                    ("unsupported", "Unsupported"),
                ],
                default="ok",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="dataset",
            name="dialect",
            field=models.CharField(blank=True, help_text="Of its files; mixed where they differ.", max_length=20),
        ),
        migrations.AlterField(
            model_name="dataset",
            name="record_count",
            field=models.BigIntegerField(help_text="Of the files that were read; null while none was.", null=True),
        ),
        migrations.AlterField(
            model_name="dataset",
            name="state",
            field=models.CharField(
                choices=[
                    ("ok", "OK"),
                    ("listed", "Listed, not read yet"),
                    ("unreadable", "Unreadable"),
                    ("unsupported", "Unsupported"),
                ],
                default="ok",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="store",
            name="root",
            field=models.CharField(
                help_text="What holds data/: an absolute path, or s3://bucket/prefix with keys from the environment.",
                max_length=1024,
                unique=True,
            ),
        ),
        migrations.AddIndex(
            model_name="dataset",
            index=models.Index(
                condition=models.Q(("changed_at__isnull", False)), fields=["changed_at"], name="dataset_changed"
            ),
        ),
        migrations.AddField(
            model_name="runfile",
            name="store",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="run_files", to="catalog_app.store"
            ),
        ),
        migrations.AddIndex(
            model_name="runfile",
            index=models.Index(fields=["store", "kind", "instance_id"], name="catalog_app_store_i_24bffc_idx"),
        ),
        migrations.AddConstraint(
            model_name="runfile",
            constraint=models.UniqueConstraint(fields=("store", "path"), name="run_file_once_per_store"),
        ),
        migrations.RunPython(read_again, migrations.RunPython.noop),
    ]
