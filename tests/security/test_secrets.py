"""Secrets stay secret: not in pages, not in the database, not in logs."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client

from catalog_app.models import ApiToken, Job
from catalog_app.services import jobs
from catalog_app.services.jobs import registry
from catalog_app.services.redaction import RedactingFormatter
from tests.security.test_access import ask, body_of

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-test-password"
SECRETS = ("hunter2-hunter2", "dd_" + "s3cr3t" * 7)
TELLTALE = f"redis://:{SECRETS[0]}@cache:6379/0 refused the token {SECRETS[1]}, password={SECRETS[0]}"


def rows() -> str:
    """Everything that the database holds, as text."""
    return "\n".join(str(row) for model in apps.get_models() for row in model.objects.values_list())


def test_a_token_is_shown_once_and_kept_nowhere(addresses, superuser, superuser_client, caplog):
    caplog.set_level(logging.DEBUG)
    made = superuser_client.post("/account/tokens/", {"name": "once", "scopes": "read", "days": "7"})
    (secret,) = set(re.findall(r"dd_[\w-]{43}", made.content.decode()))
    assert "no-store" in made["Cache-Control"]
    used = Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/nautilus/data/catalog")
    assert used.status_code == 200

    digest = ApiToken.objects.get(user=superuser).digest
    for address in addresses:
        body = body_of(ask(superuser_client, address, "get")).decode(errors="replace")
        for hidden in (secret, digest, settings.SECRET_KEY, superuser.password):
            assert hidden not in body, address
    assert secret not in rows()
    assert secret not in caplog.text


def test_a_wrong_token_or_password_is_not_logged(client, trader, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    client.post("/login/", {"username": "trader", "password": SECRETS[0]})
    client.get("/api/v1/nautilus/data/catalog", headers={"Authorization": f"Bearer {SECRETS[1]}"})
    client.post("/nothing/", {"password": SECRETS[0]})
    written = caplog.text + "".join(capfd.readouterr())
    assert not any(secret in written for secret in SECRETS)


@pytest.mark.parametrize("error", [RuntimeError, jobs.JobFailed])
def test_what_a_failed_job_says_is_cleaned(error, monkeypatch, superuser_client):
    def fail(progress: jobs.Progress, parameters: dict[str, Any]) -> dict[str, Any]:
        progress.log(TELLTALE)
        raise error(TELLTALE)

    monkeypatch.setattr(registry, "_handlers", {**registry._handlers, "leaky": fail})
    job = jobs.run_inline("leaky", {})
    page = superuser_client.get(f"/jobs/{job.pk}/").content.decode()
    answer = superuser_client.get(f"/api/v1/nautilus/data/jobs/{job.pk}").content.decode()
    assert (job.state, Job.objects.count()) == ("failed", 1)
    assert "refused the token" in rows() + page + answer
    for secret in SECRETS:
        assert secret not in rows() + page + answer


def test_the_log_is_cleaned_tracebacks_included():
    formatter = RedactingFormatter("%(levelname)s %(message)s")
    try:
        raise RuntimeError(TELLTALE)
    except RuntimeError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "it said %s", (TELLTALE,), sys.exc_info())
    text = formatter.format(record)
    assert "Traceback" in text
    assert "cache:6379" in text
    assert not any(secret in text for secret in SECRETS)


@pytest.mark.parametrize(
    "setup", ["import django; django.setup()", "from datacatalog.celery import app; app.log.setup()"]
)
def test_web_and_workers_write_the_cleaned_log(setup):
    program = f"{setup}\nimport logging\nlogging.getLogger('catalog_app').error({TELLTALE!r})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=settings.BASE_DIR,
        env={
            "DATACATALOG_HOME": str(settings.DATACATALOG_HOME),
            "DJANGO_SETTINGS_MODULE": "datacatalog.settings",
            "ENV_FILE": "",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    written = done.stdout + done.stderr
    assert "refused the token" in written
    assert not any(secret in written for secret in SECRETS)


def test_files_with_secrets_are_readable_by_their_owner_alone():
    key = settings.DATACATALOG_HOME / "secret-key"
    assert key.stat().st_mode & 0o077 == 0
    assert settings.DATACATALOG_HOME.stat().st_mode & 0o007 == 0
    for directory in (settings.UPLOADS_DIR, settings.EXPORTS_DIR):
        assert directory.stat().st_mode & 0o007 == 0
