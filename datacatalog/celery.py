"""The Celery application: a doorbell for jobs, whose truth is the Job row."""

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "datacatalog.settings")


@setup_logging.connect
def _keep_the_log_of_django(**_: object) -> None:
    """Have no log set up by Celery: the one of the settings leaves credentials out."""
    import django

    django.setup()


app = Celery("datacatalog")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
