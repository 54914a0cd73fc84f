import uuid
from decimal import Decimal

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("quality_app", "0004_anomalies"),
        ("catalog_app", "0004_index_at_scale"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name='Reconciliation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, unique=True)),
                ('instrument_id', models.CharField(help_text='Of the first source.', max_length=200)),
                ('interval_ns', models.BigIntegerField(blank=True, help_text='Length of the bars that are compared; null compares rows as they are.', null=True)),
                ('tolerance_ns', models.BigIntegerField(default=0, help_text='Rows this far apart may still be the same moment.')),
                ('limit_ticks', models.DecimalField(decimal_places=3, default=Decimal('2'), max_digits=12, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('limit_bp', models.DecimalField(decimal_places=3, default=Decimal('1'), max_digits=12, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('vote_scale', models.DecimalField(decimal_places=3, default=Decimal('5'), max_digits=8, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('vote_ticks', models.DecimalField(decimal_places=3, default=Decimal('5'), max_digits=12, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('counts_in_score', models.BooleanField(default=True, help_text='Its result is part of the consistency score.')),
                ('on_change', models.BooleanField(default=False, help_text="Runs whenever a source's rows changed.")),
                ('enabled', models.BooleanField(default=True, help_text='Off: neither schedules nor changes start it.')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='reconciliations', to=settings.AUTH_USER_MODEL)),
                ('last_job', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='catalog_app.job')),
            ],
            options={
                'ordering': ('name',),
                'permissions': (('run_reconciliation', 'Can run reconciliations'),),
            },
        ),
        migrations.CreateModel(
            name='ReconciliationRun',
            fields=[
                ('run_id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField()),
                ('start_ns', models.BigIntegerField(help_text='Times after this were compared.')),
                ('end_ns', models.BigIntegerField(help_text='Up to and with this time.')),
                ('measures', models.JSONField(default=dict, help_text='What was compared by which measures.')),
                ('sources', models.JSONField(default=list, help_text='Per source: identity, rows, range, coverage.')),
                ('pairs', models.JSONField(default=list, help_text='Per pair: counts, distributions, largest differences.')),
                ('votes', models.JSONField(help_text='Outlier votes and exclusions; null for two sources.', null=True)),
                ('series', models.JSONField(default=list, help_text='Per pair: differences over the range, for a chart.')),
                ('files', models.JSONField(default=dict, help_text='Per dataset the files read: [{path, size, mtimeNs}].')),
                ('job', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='reconciliation_runs', to='catalog_app.job')),
                ('reconciliation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='quality_app.reconciliation')),
            ],
            options={
                'ordering': ('-finished_at',),
            },
        ),
        migrations.CreateModel(
            name='ReconciliationShare',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rows', models.BigIntegerField()),
                ('violations', models.BigIntegerField()),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reconciliation_shares', to='catalog_app.dataset')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='quality_app.reconciliationrun')),
            ],
        ),
        migrations.CreateModel(
            name='ReconciliationSource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField()),
                ('label', models.CharField(max_length=80)),
                ('price', models.CharField(choices=[('close', 'Close'), ('mid', 'Mid'), ('bid', 'Bid'), ('ask', 'Ask'), ('last', 'Last'), ('value', 'Value')], max_length=10)),
                ('shift_ns', models.BigIntegerField(default=0, help_text='Added to its times before they are compared.')),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reconciled_in', to='catalog_app.dataset')),
                ('reconciliation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sources', to='quality_app.reconciliation')),
            ],
            options={
                'ordering': ('position',),
            },
        ),
        migrations.AddIndex(
            model_name='reconciliationrun',
            index=models.Index(fields=['reconciliation', '-finished_at'], name='quality_app_reconci_e2ec83_idx'),
        ),
        migrations.AddConstraint(
            model_name='reconciliationshare',
            constraint=models.UniqueConstraint(fields=('run', 'dataset'), name='one_share_of_a_dataset'),
        ),
        migrations.AddConstraint(
            model_name='reconciliationsource',
            constraint=models.UniqueConstraint(fields=('reconciliation', 'position'), name='reconciliation_place_once'),
        ),
    ]
