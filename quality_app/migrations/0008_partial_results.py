import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("quality_app", "0007_metrics"), ("catalog_app", "0004_index_at_scale")]
    operations = [
        migrations.CreateModel(
            name="PartialResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("identity", models.CharField(max_length=64)),
                (
                    "path",
                    models.CharField(
                        blank=True, help_text="Of the file; empty for the ends of several.", max_length=900
                    ),
                ),
                ("rows", models.BigIntegerField(default=0)),
                ("first", models.BigIntegerField(default=0, help_text="First judged row.")),
                ("last", models.BigIntegerField(default=0, help_text="First row after the judged ones.")),
                (
                    "tail_from",
                    models.BigIntegerField(default=0, help_text="From here rows are context for what follows."),
                ),
                ("first_ns", models.BigIntegerField(help_text="ts_init of the first row.", null=True)),
                ("last_ns", models.BigIntegerField(help_text="ts_init of the last row.", null=True)),
                ("disordered", models.BooleanField(default=False)),
                ("cut", models.BooleanField(default=False)),
                ("findings", models.JSONField(default=dict, help_text="{check: {basis, violations, samples}}")),
                (
                    "states",
                    models.BinaryField(default=bytes, help_text="What the file leaves to checks that follow state."),
                ),
                ("problem", models.TextField(blank=True, help_text="Why the file could not be read.")),
                ("claim", models.UUIDField(null=True)),
                ("claimed_until", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="partial_results",
                        to="catalog_app.dataset",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("dataset", "identity"), name="part_once_per_dataset")
                ]
            },
        ),
        migrations.CreateModel(
            name="DatasetProfile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "basis",
                    models.CharField(
                        help_text="Digest of what it was learned with: version, calendar, facts.", max_length=64
                    ),
                ),
                ("rows", models.BigIntegerField(help_text="Rows of the dataset when it was learned.")),
                ("content", models.JSONField()),
                ("learned_at", models.DateTimeField(auto_now=True)),
                (
                    "dataset",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="profile",
                        to="catalog_app.dataset",
                    ),
                ),
            ],
        ),
    ]
