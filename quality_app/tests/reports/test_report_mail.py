"""Reports by e-mail, through a real SMTP server; and reports by schedule."""

import io
import socket
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from catalog_app.models import Dataset, Job
from catalog_app.services.jobs import retry, run_job
from quality_app.models import QualityReport, Schedule
from quality_app.services import schedules
from quality_app.services.reports.defaults import make_default_schedules
from quality_app.services.reports.mail import addresses
from quality_app.services.reports.requests import purge_expired
from quality_app.tests.reports.conftest import DAY, MakeReport, make_dataset

pytestmark = pytest.mark.django_db
SMTP_BACKEND = "django.core.mail.backends.smtp.EmailBackend"


class Inbox:
    """Keeps what comes, and refuses the addresses in `refused`."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.mails: list[tuple[list[str], EmailMessage]] = []

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.mails.append((list(envelope.rcpt_tos), message_from_bytes(envelope.content, policy=policy.default)))
        return "250 Taken"


def mailer(port: int) -> dict[str, Any]:
    return {"default": {"BACKEND": SMTP_BACKEND, "OPTIONS": {"host": "127.0.0.1", "port": port, "timeout": 5}}}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def inbox(settings: Any) -> Iterator[Inbox]:
    box, port = Inbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    settings.MAILERS = mailer(port)
    yield box
    controller.stop()


def schedule(**scope: Any) -> Schedule:
    return Schedule.objects.create(
        name="Nightly",
        kind="report",
        every_minutes=1440,
        next_run_at=timezone.now(),
        scope={"period": "daily", **scope},
    )


def run_schedules(job_count: int = 1) -> Job:
    jobs = schedules.run_due(timezone.now())
    assert len(jobs) == job_count
    run_job(jobs[0].pk)
    jobs[0].refresh_from_db()
    return jobs[0]


def log_of(job: Job) -> str:
    return "\n".join(job.lines.values_list("text", flat=True))


def test_a_scheduled_report_reaches_each_address_with_text_html_and_pdf(
    inbox: Inbox, past: Dataset, settings: Any
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://desk.example.com"]
    settings.DEFAULT_FROM_EMAIL = "Data desk <desk@example.com>"
    schedule(recipients=["anna@example.com", "bo@example.com"])
    job = run_schedules()
    assert job.state == "succeeded", job.error
    kept = QualityReport.objects.get()
    assert [to for to, _ in inbox.mails] == [["anna@example.com"], ["bo@example.com"]]
    mail = inbox.mails[0][1]
    assert (mail["subject"], mail["from"]) == (str(kept), "Data desk <desk@example.com>")
    text = mail.get_body(("plain",)).get_content()
    assert "Score: 90.0 % (−8.00 points, at the start 98.0 %)" in text
    assert f"https://desk.example.com/quality/reports/{kept.pk}/" in text
    assert "90.0 %" in mail.get_body(("html",)).get_content()
    (attached,) = mail.iter_attachments()
    assert attached.get_content_type() == "application/pdf"
    assert "Whole catalog" in PdfReader(io.BytesIO(attached.get_content())).pages[0].extract_text()
    assert [entry["address"] for entry in kept.sent_to] == ["anna@example.com", "bo@example.com"]


def test_a_refused_address_fails_the_job_and_trying_again_mails_to_it_alone(inbox: Inbox, past: Dataset) -> None:
    inbox.refused = {"gone@example.com"}
    schedule(recipients=["gone@example.com", "bo@example.com"])
    job = run_schedules()
    assert job.state == "failed"
    assert "gone@example.com: the server answered 550 5.1.1 No such mailbox" in log_of(job)
    kept = QualityReport.objects.get()
    assert kept.unsent == ["gone@example.com"]
    inbox.refused = set()
    again = retry(job, None)
    run_job(again.pk)
    assert [to for to, _ in inbox.mails] == [["bo@example.com"], ["gone@example.com"]]
    assert QualityReport.objects.get().unsent == []
    ids = {mail["message-id"] for _, mail in inbox.mails}
    assert len(ids) == 1


def test_a_server_that_is_down_is_said_and_sent_to_by_hand_later(
    past: Dataset, settings: Any, trader_client: Client, inbox: Inbox
) -> None:
    working = settings.MAILERS
    settings.MAILERS = mailer(free_port())
    schedule(recipients=["anna@example.com"])
    assert "Connection refused" in log_of(run_schedules())
    kept = QualityReport.objects.get()
    page = reverse("quality:report", args=[kept.pk])
    assert "Not mailed yet to 1 of 1 address" in trader_client.get(page).content.decode()
    settings.MAILERS = working
    response = trader_client.post(reverse("quality:report-send", args=[kept.pk]))
    job = Job.objects.latest("created_at")
    assert response["Location"] == reverse("jobs:detail", args=[job.pk])
    assert trader_client.post(reverse("quality:report-send", args=[kept.pk]))["Location"] == page  # under way
    run_job(job.pk)
    assert [to for to, _ in inbox.mails] == [["anna@example.com"]]
    assert trader_client.post(reverse("quality:report-send", args=[kept.pk]))["Location"] == page  # nobody left
    assert Job.objects.count() == 2


@pytest.mark.parametrize("backend", ["console", "dummy"])
def test_without_a_mail_server_nothing_is_sent_and_the_page_says_so(
    past: Dataset, settings: Any, trader_client: Client, capsys: pytest.CaptureFixture[str], backend: str
) -> None:
    settings.MAILERS = {"default": {"BACKEND": f"django.core.mail.backends.{backend}.EmailBackend"}}
    schedule(recipients=["anna@example.com"])
    job = run_schedules()
    assert job.state == "succeeded"
    assert "EMAIL_URL is not set" in log_of(job)
    assert "Subject:" not in capsys.readouterr().out
    kept = QualityReport.objects.get()
    page = reverse("quality:report", args=[kept.pk])
    assert "EMAIL_URL" in trader_client.get(page).content.decode()
    assert "EMAIL_URL" in trader_client.get(reverse("quality:reports")).content.decode()
    assert trader_client.post(reverse("quality:report-send", args=[kept.pk]))["Location"] == page


@pytest.mark.parametrize("given", ["nobody", "a@b@c.de", "x@example.com\r\nBcc: all@example.com"])
def test_what_is_no_address_is_refused(given: str, past: Dataset) -> None:
    with pytest.raises(ValidationError):
        addresses([given])
    row = schedule(recipients=[given])
    assert schedules.run_due(timezone.now()) == []
    row.refresh_from_db()
    assert "is no e-mail address" in row.last_note
    assert addresses([" A@example.com", "a@EXAMPLE.com"]) == ["A@example.com"]
    with pytest.raises(ValidationError, match="too many"):
        addresses(f"a{number}@example.com" for number in range(51))


def test_one_schedule_writes_a_report_of_each_venue(past: Dataset) -> None:
    make_dataset(past.store, 2, venue="XNAS", instrument_id="AAPL.XNAS")
    schedule(each="venue")
    assert run_schedules().state == "succeeded"
    assert sorted(QualityReport.objects.values_list("scope", "key")) == [("venue", "SIM"), ("venue", "XNAS")]


def test_nothing_to_report_starts_nothing(db: None) -> None:
    row = schedule()
    assert schedules.run_due(timezone.now()) == []
    row.refresh_from_db()
    assert row.last_note == "There was nothing to do."


def test_a_venue_that_is_gone_is_noted(past: Dataset) -> None:
    row = schedule(venue="GONE")
    assert schedules.run_due(timezone.now()) == []
    row.refresh_from_db()
    assert "No dataset has the venue GONE" in row.last_note


def test_scheduled_reports_leave_no_time_between_them(past: Dataset) -> None:
    row = schedule()
    run_schedules()
    first = QualityReport.objects.get()
    QualityReport.objects.update(end=first.end - DAY - timedelta(minutes=7))
    Schedule.objects.filter(pk=row.pk).update(next_run_at=timezone.now())
    run_schedules()
    second = QualityReport.objects.order_by("end").last()
    assert second.start == first.end - DAY - timedelta(minutes=7)


def test_a_job_that_runs_twice_writes_one_report(past: Dataset) -> None:
    schedule()
    job = run_schedules()
    Job.objects.filter(pk=job.pk).update(state="queued")
    run_job(job.pk)
    assert QualityReport.objects.count() == 1


def test_scheduled_reports_are_kept_as_long_as_set_and_others_for_ever(
    past: Dataset, settings: Any, make_report: MakeReport
) -> None:
    settings.REPORT_RETENTION_DAYS = 10
    by_hand = make_report()
    schedule()
    run_schedules()
    assert purge_expired(timezone.now() + 9 * DAY) == 0
    assert purge_expired(timezone.now() + 11 * DAY) == 1
    assert list(QualityReport.objects.all()) == [by_hand]
    settings.REPORT_RETENTION_DAYS = 0
    Schedule.objects.update(next_run_at=timezone.now())
    run_schedules()
    assert purge_expired(timezone.now() + 9999 * DAY) == 0


def test_a_new_desk_reports_daily_and_weekly_until_somebody_decides_otherwise(
    past: Dataset, make_report: MakeReport
) -> None:
    make_default_schedules()
    make_default_schedules()
    rows = Schedule.objects.filter(kind="report", next_run_at__isnull=False)
    assert sorted((row.scope["period"], row.scope.get("each", "")) for row in rows) == [
        ("daily", ""),
        ("daily", "venue"),
        ("weekly", ""),
        ("weekly", "venue"),
    ]
    Schedule.objects.all().delete()
    make_report()
    make_default_schedules()
    assert not Schedule.objects.exists()
