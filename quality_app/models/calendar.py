"""Trading hours that users define, and which calendar holds for what."""

from django.core.validators import RegexValidator
from django.db import models

from catalog_app.models import Dataset

SPAN = r"\d{2}:\d{2}-\d{2}:\d{2}"
HOURS = RegexValidator(rf"^({SPAN}( {SPAN})*)?$", "Spans such as 09:30-12:00 13:00-16:00; empty means closed.")


class TradingCalendar(models.Model):
    """Regular weekly hours in a time zone. A span that ends at or before its start ends on the next day."""

    name = models.SlugField(max_length=60, unique=True)
    label = models.CharField(max_length=120)
    zone = models.CharField("time zone", max_length=60, default="UTC", help_text="IANA name: Europe/Berlin.")
    monday = models.CharField(max_length=120, blank=True, validators=[HOURS])
    tuesday = models.CharField(max_length=120, blank=True, validators=[HOURS])
    wednesday = models.CharField(max_length=120, blank=True, validators=[HOURS])
    thursday = models.CharField(max_length=120, blank=True, validators=[HOURS])
    friday = models.CharField(max_length=120, blank=True, validators=[HOURS])
    saturday = models.CharField(max_length=120, blank=True, validators=[HOURS])
    sunday = models.CharField(max_length=120, blank=True, validators=[HOURS])
    holidays_of = models.CharField(
        max_length=60, blank=True, help_text="A calendar of pandas-market-calendars whose holidays hold too: XFRA."
    )
    note = models.TextField(blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.label


class CalendarDay(models.Model):
    """A session day with other hours than usual: a holiday, an early close, a one-off closure.

    Of a calendar of ours, or of a built-in one by its name.
    """

    calendar = models.ForeignKey(TradingCalendar, on_delete=models.CASCADE, null=True, blank=True, related_name="days")
    built_in = models.CharField(max_length=60, blank=True, help_text="XNYS, CME_FX, FX_WEEK, 24/7.")
    day = models.DateField()
    hours = models.CharField(max_length=120, blank=True, validators=[HOURS], help_text="Empty: closed all day.")
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ("day",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(calendar__isnull=True) ^ models.Q(built_in=""),
                name="calendar_day_has_one_calendar",
                violation_error_message="Choose a calendar of your own, or name a built-in one.",
            ),
            models.UniqueConstraint(
                fields=("calendar", "day"), condition=models.Q(calendar__isnull=False), name="calendar_day_once"
            ),
            models.UniqueConstraint(
                fields=("built_in", "day"), condition=models.Q(calendar__isnull=True), name="built_in_day_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}: {self.hours or 'closed'}"


class CalendarAssignment(models.Model):
    """Which calendar holds for a venue, an asset class, a product, an instrument or a dataset; the narrowest wins."""

    venue = models.CharField(max_length=80, blank=True)
    asset_class = models.CharField(max_length=40, blank=True, help_text="NautilusTrader's name: FX, EQUITY.")
    product = models.CharField(max_length=40, blank=True, help_text="Root of a futures symbol: 6E, ES. With a venue.")
    instrument_id = models.CharField("instrument", max_length=200, blank=True, help_text="As in paths: EURUSD.SIM.")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    calendar = models.ForeignKey(TradingCalendar, on_delete=models.PROTECT, null=True, blank=True)
    built_in = models.CharField(max_length=60, blank=True, help_text="XNYS, CME_FX, FX_WEEK, 24/7, learned.")
    note = models.TextField("why")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("venue", "asset_class", "product", "instrument_id")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(calendar__isnull=True) ^ models.Q(built_in=""),
                name="assignment_has_one_calendar",
                violation_error_message="Choose a calendar of your own, or name a built-in one.",
            ),
            models.UniqueConstraint(
                fields=("venue", "asset_class", "product", "instrument_id"),
                condition=models.Q(dataset__isnull=True),
                name="assignment_once",
                violation_error_message="There is an assignment for that already: change that one.",
            ),
            models.UniqueConstraint(
                fields=("dataset",), condition=models.Q(dataset__isnull=False), name="assignment_once_per_dataset"
            ),
        )

    def __str__(self) -> str:
        return f"{self.calendar or self.built_in}"
