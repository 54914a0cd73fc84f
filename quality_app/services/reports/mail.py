"""Reports by e-mail: text and HTML in short, the whole as PDF."""

from __future__ import annotations

import smtplib
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from catalog_app.services.errors import ServiceError
from quality_app.models import QualityReport
from quality_app.services.reports.document import Document
from quality_app.services.reports.files import report_file
from quality_app.services.reports.html import styles
from quality_app.services.reports.view import view_of

MAX_RECIPIENTS = 50
# Where mail ends on this machine and reaches nobody.
_NOWHERE = ("console", "dummy", "filebased")


class NotMailed(ServiceError):
    """Some or all addresses were not reached; the text says which and why."""


def mail_is_set() -> bool:
    """Whether there is a mail server (EMAIL_URL); without one nothing is sent."""
    backend: str = settings.MAILERS["default"]["BACKEND"]
    return not any(f".{name}." in backend for name in _NOWHERE)


def addresses(given: Iterable[Any]) -> list[str]:
    """Return distinct addresses, in the order given.

    Raises:
        ValidationError: one is no address, or there are more than 50; the text says which.

    """
    found: dict[str, str] = {}
    for address in given:
        text = str(address).strip()
        try:
            validate_email(text)
        except ValidationError:
            raise ValidationError(f"{text[:80]!r} is no e-mail address.") from None
        found.setdefault(text.lower(), text)
    if len(found) > MAX_RECIPIENTS:
        raise ValidationError(f"{len(found)} addresses are too many: at most {MAX_RECIPIENTS}.")
    return list(found.values())


def origin() -> str | None:
    """Return where the desk is reached from outside, as far as that is known: the first trusted origin."""
    return next((one for one in settings.CSRF_TRUSTED_ORIGINS if "*" not in one), None)


def send(kept: QualityReport) -> list[str]:
    """Mail a report to each address that it did not reach yet, one mail each; return the addresses reached.

    What a server took is remembered at once, so that a second try mails only to the others. A worker that dies
    between the two mails once more, under the same Message-ID.

    Raises:
        NotMailed: for the addresses that were not reached; the others were.

    """
    todo = kept.unsent
    if not todo:
        return []
    if not mail_is_set():
        raise NotMailed("The desk has no mail server: set EMAIL_URL, then send the report from its page.")
    message = _message(kept)
    reached: list[str] = []
    failed: list[str] = []
    for address in todo:
        try:
            message.to = [address]
            message.send(using="default")
        except (OSError, smtplib.SMTPException) as error:
            failed.append(f"{address}: {_why(error)}")
        else:
            reached.append(address)
            _remember(kept, address)
    if failed:
        raise NotMailed(f"The report is kept, but was not mailed to {'; '.join(failed)}. Send it again from its page.")
    return reached


def _message(kept: QualityReport) -> EmailMultiAlternatives:
    document = Document.from_json(kept.content)
    base = origin()
    context = {
        "kept": kept,
        "report": view_of(document, base),
        "summary": view_of(Document(document.head, document.sections[:1]), base),
        "styles": styles(),
        "url": None if base is None else base + reverse("quality:report", args=[kept.pk]),
    }
    message = EmailMultiAlternatives(
        subject=str(kept),
        body=render_to_string("quality/report_mail.txt", context),
        headers={"Message-ID": f"<report-{kept.pk}@data-desk>", "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_to_string("quality/report_mail.html", context), "text/html")
    file = report_file(kept, "pdf", base)
    message.attach(file.name, file.body, file.content_type)
    return message


def _remember(kept: QualityReport, address: str) -> None:
    with transaction.atomic():
        row = QualityReport.objects.select_for_update().only("sent_to").get(pk=kept.pk)
        row.sent_to = [*row.sent_to, {"address": address, "at": timezone.now().isoformat(timespec="seconds")}]
        row.save(update_fields=["sent_to"])
    kept.sent_to = row.sent_to


def _why(error: Exception) -> str:
    """The server's own words, where it has some."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        error = next((_answer(*answer) for answer in error.recipients.values()), error)
    if isinstance(error, smtplib.SMTPResponseException):
        error = _answer(error.smtp_code, error.smtp_error)
    return str(error)[:200] or type(error).__name__


def _answer(code: int, text: bytes | str) -> Exception:
    words = text.decode(errors="replace") if isinstance(text, bytes) else text
    return OSError(f"the server answered {code} {words}")
