"""Which point of a metric is its latest, unknown values, and the history of the whole."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Exists, OuterRef, Q


def mark_latest(apps, schema_editor):
    """Mark the last point of each metric of each dataset; of points at the same time, the one of the highest key."""
    metrics = apps.get_model("quality_app", "QualityMetric").objects
    later = metrics.filter(dataset=OuterRef("dataset"), metric_name=OuterRef("metric_name")).filter(
        Q(timestamp__gt=OuterRef("timestamp")) | Q(timestamp=OuterRef("timestamp"), pk__gt=OuterRef("pk"))
    )
    latest = list(metrics.filter(~Exists(later)).values_list("pk", flat=True))
    for begin in range(0, len(latest), 500):
        metrics.filter(pk__in=latest[begin : begin + 500]).update(is_latest=True)


AVERAGED = ("overall", "completeness", "accuracy", "consistency", "timeliness")


class Migration(migrations.Migration):
    dependencies = [("quality_app", "0006_reports"), ("catalog_app", "0004_index_at_scale")]
    operations = [
        migrations.AlterField(
            model_name="qualitymetric",
            name="metric_name",
            field=models.CharField(help_text="overall, a dimension, rows, size_bytes, check.<id>.", max_length=80),
        ),
        migrations.AlterField(
            model_name="qualitymetric",
            name="metric_value",
            field=models.DecimalField(decimal_places=8, max_digits=20, null=True),
        ),
        migrations.AddField(
            model_name="qualitymetric",
            name="is_latest",
            field=models.BooleanField(default=False, help_text="No later point of this name is there."),
        ),
        migrations.AddField(
            model_name="qualitymetric",
            name="is_finding",
            field=models.BooleanField(default=False, help_text="The latest point of a check that found something."),
        ),
        migrations.RunPython(mark_latest, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="qualitymetric",
            index=models.Index(
                condition=Q(("is_finding", True)),
                fields=["metric_name", "metric_value", "is_finding"],
                name="metric_finding",
            ),
        ),
        migrations.AddConstraint(
            model_name="qualitymetric",
            constraint=models.UniqueConstraint(
                condition=Q(("is_latest", True)), fields=("dataset", "metric_name"), name="metric_one_latest"
            ),
        ),
        migrations.AddIndex(
            model_name="validationrun",
            index=models.Index(fields=["-finished_at"], name="run_newest"),
        ),
        migrations.CreateModel(
            name="QualitySnapshot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period", models.CharField(choices=[("hour", "Hour"), ("day", "Day")], max_length=4)),
                ("at", models.DateTimeField(help_text="When the hour or day began, UTC; the last look within it counts.")),
                ("venue", models.CharField(blank=True, max_length=80)),
                ("data_type", models.CharField(max_length=20)),
                ("asset_class", models.CharField(blank=True, max_length=40)),
                ("datasets", models.PositiveIntegerField()),
                ("validated", models.PositiveIntegerField()),
                *(
                    field
                    for name in AVERAGED
                    for field in (
                        (f"{name}_sum", models.DecimalField(decimal_places=4, default=0, max_digits=14)),
                        (f"{name}_known", models.PositiveIntegerField(default=0)),
                    )
                ),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quality_snapshots",
                        to="catalog_app.store",
                    ),
                ),
            ],
            options={
                "db_table": "data_quality_history",
                "ordering": ("at",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("period", "at", "store", "venue", "data_type", "asset_class"), name="snapshot_once"
                    )
                ],
            },
        ),
    ]
