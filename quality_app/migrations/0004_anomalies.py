"""Anomalies and what people decided about them."""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog_app', '0004_index_at_scale'),
        ('quality_app', '0003_rules'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Anomaly',
            fields=[
                ('anomaly_id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('venue', models.CharField(blank=True, max_length=80)),
                ('instrument_id', models.CharField(blank=True, max_length=200)),
                ('data_type', models.CharField(max_length=20)),
                ('timeframe', models.CharField(blank=True, max_length=80)),
                ('check_id', models.CharField(max_length=60)),
                ('check_version', models.PositiveSmallIntegerField()),
                ('type', models.CharField(choices=[('spike', 'Spike'), ('outlier', 'Outlier'), ('jump', 'Jump'), ('inconsistency', 'Inconsistency'), ('stale', 'Stale'), ('gap', 'Gap')], max_length=20)),
                ('severity', models.CharField(choices=[('critical', 'Critical'), ('major', 'Major'), ('info', 'Info')], max_length=20)),
                ('file', models.CharField(max_length=900)),
                ('file_size', models.BigIntegerField()),
                ('file_mtime_ns', models.BigIntegerField()),
                ('row', models.BigIntegerField()),
                ('ts_init_ns', models.BigIntegerField(help_text='UNIX nanoseconds.')),
                ('timestamp', models.DateTimeField(help_text='The same to the microsecond.')),
                ('value', models.CharField(blank=True, help_text='What the check looked at, as decimal text.', max_length=60)),
                ('expected', models.CharField(blank=True, help_text='What it expected, as decimal text.', max_length=60)),
                ('values', models.JSONField(default=dict, help_text="The row's columns as exact text.")),
                ('identity', models.CharField(help_text='Digest of the values.', max_length=64)),
                ('first_seen_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('last_seen_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('resolved_at', models.DateTimeField(help_text='When a validation no longer found it.', null=True)),
                ('state', models.CharField(choices=[('open', 'Open'), ('real_event', 'Real event'), ('bad_data', 'Bad data'), ('ignored', 'Ignored')], default='open', max_length=20)),
                ('reason', models.TextField(blank=True)),
                ('decided_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(help_text='Until when it is ignored; null is for good.', null=True)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='anomalies', to='catalog_app.dataset')),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('operation', models.ForeignKey(help_text='The latest repair.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='anomalies', to='catalog_app.storeoperation')),
            ],
            options={
                'verbose_name_plural': 'anomalies',
                'ordering': ('-ts_init_ns', 'anomaly_id'),
                'permissions': (('triage_anomaly', 'Can decide what an anomaly is'), ('repair_anomaly', 'Can drop or replace rows that are bad data')),
            },
        ),
        migrations.CreateModel(
            name='AnomalyDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('open', 'Open'), ('real_event', 'Real event'), ('bad_data', 'Bad data'), ('ignored', 'Ignored')], max_length=20)),
                ('reason', models.TextField(blank=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('decided_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('anomaly', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='decisions', to='quality_app.anomaly')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-decided_at', '-pk'),
            },
        ),
        migrations.AddIndex(
            model_name='anomaly',
            index=models.Index(fields=['-ts_init_ns', 'anomaly_id'], name='anomaly_newest'),
        ),
        migrations.AddIndex(
            model_name='anomaly',
            index=models.Index(fields=['state', '-ts_init_ns'], name='anomaly_state'),
        ),
        migrations.AddIndex(
            model_name='anomaly',
            index=models.Index(fields=['dataset', 'ts_init_ns'], name='anomaly_of_dataset'),
        ),
        migrations.AddIndex(
            model_name='anomaly',
            index=models.Index(fields=['instrument_id', '-ts_init_ns'], name='anomaly_of_instrument'),
        ),
        migrations.AddIndex(
            model_name='anomaly',
            index=models.Index(fields=['venue', 'instrument_id', 'data_type', 'check_id', 'severity', 'state', 'operation', 'resolved_at', 'expires_at', 'ts_init_ns'], name='anomaly_facets'),
        ),
        migrations.AddConstraint(
            model_name='anomaly',
            constraint=models.UniqueConstraint(fields=('dataset', 'check_id', 'ts_init_ns', 'identity'), name='anomaly_once'),
        ),
    ]
