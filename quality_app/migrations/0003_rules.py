"""Rules of checks with their history, suppressed findings, schedules."""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog_app", "0004_index_at_scale"),
        ("quality_app", "0002_groups"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Schedule",
            fields=[
                (
                    "schedule_id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=120, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("validate", "Validate datasets"),
                            ("scan_gaps", "Scan datasets for gaps"),
                            ("reconcile", "Reconcile sources"),
                            ("report", "Write a quality report"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "scope",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="storeId, venue, assetClass, instrumentId, dataTypes, datasetIds, reconciliationId, period.",
                    ),
                ),
                ("every_minutes", models.PositiveIntegerField(blank=True, null=True)),
                ("time_utc", models.TimeField(blank=True, null=True, verbose_name="time, UTC")),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[
                            (0, "Monday"),
                            (1, "Tuesday"),
                            (2, "Wednesday"),
                            (3, "Thursday"),
                            (4, "Friday"),
                            (5, "Saturday"),
                            (6, "Sunday"),
                        ],
                        null=True,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("next_run_at", models.DateTimeField(editable=False, null=True)),
                ("last_run_at", models.DateTimeField(editable=False, null=True)),
                (
                    "last_note",
                    models.TextField(blank=True, editable=False, help_text="Why the last run started no job."),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "last_job",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="catalog_app.job",
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="Suppression",
            fields=[
                (
                    "suppression_id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("check_id", models.CharField(max_length=60, verbose_name="check")),
                (
                    "reason",
                    models.TextField(help_text="Why the finding does not count: what was looked at, and who says so."),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, help_text="UTC; empty: until it is lifted by hand.", null=True),
                ),
                ("ended_at", models.DateTimeField(editable=False, null=True)),
                ("was_lifted", models.BooleanField(default=False, editable=False)),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="suppressions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suppressions",
                        to="catalog_app.dataset",
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at",),
            },
        ),
        migrations.CreateModel(
            name="QualityRule",
            fields=[
                ("rule_id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("check_id", models.CharField(max_length=60, verbose_name="check")),
                ("venue", models.CharField(blank=True, max_length=80)),
                (
                    "asset_class",
                    models.CharField(blank=True, help_text="NautilusTrader's name: FX, EQUITY.", max_length=40),
                ),
                (
                    "instrument_id",
                    models.CharField(
                        blank=True, help_text="As in paths: EURUSD.SIM.", max_length=200, verbose_name="instrument"
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "As wider rules say (by default: yes)"),
                            ("on", "Yes"),
                            ("off", "No: the check does not run and counts nowhere"),
                        ],
                        default="",
                        max_length=3,
                        verbose_name="run this check",
                    ),
                ),
                ("params", models.JSONField(blank=True, default=dict, help_text="Values by name; decimals as text.")),
                (
                    "note",
                    models.TextField(
                        help_text="Why the default does not fit. Shown with every result that it changes.",
                        verbose_name="why",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "dataset",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quality_rules",
                        to="catalog_app.dataset",
                    ),
                ),
            ],
            options={
                "ordering": ("check_id", "venue", "asset_class", "instrument_id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                models.Q(("venue", ""), _negated=True),
                                ("asset_class", ""),
                                ("instrument_id", ""),
                                ("dataset__isnull", True),
                            ),
                            models.Q(
                                ("venue", ""),
                                models.Q(("asset_class", ""), _negated=True),
                                ("instrument_id", ""),
                                ("dataset__isnull", True),
                            ),
                            models.Q(
                                ("venue", ""),
                                ("asset_class", ""),
                                models.Q(("instrument_id", ""), _negated=True),
                                ("dataset__isnull", True),
                            ),
                            models.Q(
                                ("venue", ""), ("asset_class", ""), ("instrument_id", ""), ("dataset__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="rule_has_one_scope",
                        violation_error_message="Fill in exactly one of venue, asset class, instrument and dataset.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("venue", ""), _negated=True),
                        fields=("check_id", "venue"),
                        name="rule_once_per_venue",
                        violation_error_message="There is a rule of this check for that scope already: change that one.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("asset_class", ""), _negated=True),
                        fields=("check_id", "asset_class"),
                        name="rule_once_per_asset_class",
                        violation_error_message="There is a rule of this check for that scope already: change that one.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("instrument_id", ""), _negated=True),
                        fields=("check_id", "instrument_id"),
                        name="rule_once_per_instrument_id",
                        violation_error_message="There is a rule of this check for that scope already: change that one.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("dataset__isnull", False)),
                        fields=("check_id", "dataset"),
                        name="rule_once_per_dataset",
                        violation_error_message="There is a rule of this check for that scope already: change that one.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="QualityRuleChange",
            fields=[
                ("change_id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("rule_id", models.UUIDField(db_index=True)),
                ("check_id", models.CharField(max_length=60, verbose_name="check")),
                ("scope", models.JSONField(default=dict, help_text="What the rule is for: {field, value, label}.")),
                (
                    "action",
                    models.CharField(
                        choices=[("created", "Created"), ("changed", "Changed"), ("deleted", "Deleted")], max_length=10
                    ),
                ),
                (
                    "before",
                    models.JSONField(default=dict, help_text="Mode, params and note before; empty for a new rule."),
                ),
                ("after", models.JSONField(default=dict, help_text="The same afterwards; empty for a deleted rule.")),
                ("username", models.CharField(blank=True, help_text="Kept when the user is gone.", max_length=150)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-changed_at",),
                "indexes": [models.Index(fields=["-changed_at"], name="quality_app_changed_27be9b_idx")],
            },
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(condition=models.Q(("enabled", True)), fields=["next_run_at"], name="schedule_due"),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("every_minutes__isnull", True), ("time_utc__isnull", False)),
                    models.Q(("every_minutes__isnull", False), ("time_utc__isnull", True), ("weekday__isnull", True)),
                    _connector="OR",
                ),
                name="schedule_has_one_cadence",
                violation_error_message="Give either a number of minutes, or a time of day (and a weekday for weekly).",
            ),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("every_minutes__isnull", True), ("every_minutes__range", (1, 10080)), _connector="OR"
                ),
                name="schedule_minutes",
                violation_error_message="Minutes go from 1 to 10,080, which is a week.",
            ),
        ),
        migrations.AddIndex(
            model_name="suppression",
            index=models.Index(
                condition=models.Q(("ended_at", None)), fields=["expires_at"], name="suppression_running"
            ),
        ),
        migrations.AddConstraint(
            model_name="suppression",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)),
                fields=("dataset", "check_id"),
                name="suppressed_once_at_a_time",
                violation_error_message="This finding is suppressed already.",
            ),
        ),
    ]
