import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("quality_app", "0005_reconciliation"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="QualityReport",
            fields=[
                (
                    "report_id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("catalog", "Catalog"),
                            ("store", "Store"),
                            ("venue", "Venue"),
                            ("instrument", "Instrument"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        blank=True, help_text="Store id, venue or instrument id; empty for all.", max_length=200
                    ),
                ),
                ("label", models.CharField(help_text="The scope in words, as it was named then.", max_length=220)),
                (
                    "period",
                    models.CharField(
                        choices=[("daily", "Daily"), ("weekly", "Weekly"), ("custom", "Custom")], max_length=20
                    ),
                ),
                ("start", models.DateTimeField()),
                ("end", models.DateTimeField()),
                (
                    "content",
                    models.JSONField(help_text="The whole report: what page, files and mails are made of."),
                ),
                ("version", models.PositiveSmallIntegerField(help_text="Of the content's form.")),
                (
                    "score",
                    models.DecimalField(decimal_places=4, help_text="Mean; null is unknown.", max_digits=5, null=True),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="quality_reports",
                        to="catalog_app.job",
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        help_text="Null: by hand.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="reports",
                        to="quality_app.schedule",
                    ),
                ),
                ("recipients", models.JSONField(default=list, help_text="Addresses that it is to be mailed to.")),
                (
                    "sent_to",
                    models.JSONField(default=list, help_text="Mails that a mail server took: [{address, at}]."),
                ),
                (
                    "expires_at",
                    models.DateTimeField(help_text="When it may be deleted; null: kept for ever.", null=True),
                ),
            ],
            options={
                "ordering": ("-end", "-created_at"),
                "indexes": [
                    models.Index(fields=["scope", "key", "period", "-end"], name="quality_app_scope_a5c678_idx"),
                    models.Index(fields=["-end", "-created_at"], name="quality_app_end_e76e79_idx"),
                    models.Index(fields=["expires_at"], name="quality_app_expires_af9a1a_idx"),
                ],
            },
        ),
    ]
