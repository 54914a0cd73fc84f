"""What users decide about checks: parameters and on/off by scope, and findings that are known and left alone."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import reduce
from operator import and_, or_

from django.conf import settings
from django.db import models
from django.utils import timezone

from catalog_app.models import Dataset

# From the widest to the narrowest: the narrowest wins.
SCOPES = ("venue", "asset_class", "instrument_id", "dataset")


def _given(name: str) -> models.Q:
    return models.Q(dataset__isnull=False) if name == "dataset" else ~models.Q(**{name: ""})


def _empty(name: str) -> models.Q:
    return models.Q(dataset__isnull=True) if name == "dataset" else models.Q(**{name: ""})


def _only(name: str) -> models.Q:
    return reduce(and_, (_given(other) if other == name else _empty(other) for other in SCOPES))


class QualityRule(models.Model):
    """Parameters and on/off of one check for a venue, an asset class, an instrument or a dataset."""

    class Mode(models.TextChoices):
        INHERIT = "", "As wider rules say (by default: yes)"
        ON = "on", "Yes"
        OFF = "off", "No: the check does not run and counts nowhere"

    rule_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    check_id = models.CharField("check", max_length=60)
    venue = models.CharField(max_length=80, blank=True)
    asset_class = models.CharField(max_length=40, blank=True, help_text="NautilusTrader's name: FX, EQUITY.")
    instrument_id = models.CharField("instrument", max_length=200, blank=True, help_text="As in paths: EURUSD.SIM.")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, null=True, blank=True, related_name="quality_rules")
    mode = models.CharField("run this check", max_length=3, choices=Mode, blank=True, default=Mode.INHERIT)
    params = models.JSONField(default=dict, blank=True, help_text="Values by name; decimals as text.")
    note = models.TextField("why", help_text="Why the default does not fit. Shown with every result that it changes.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("check_id", "venue", "asset_class", "instrument_id")
        constraints = (
            models.CheckConstraint(
                condition=reduce(or_, map(_only, SCOPES)),
                name="rule_has_one_scope",
                violation_error_message="Fill in exactly one of venue, asset class, instrument and dataset.",
            ),
            *(
                models.UniqueConstraint(
                    fields=("check_id", name),
                    condition=_given(name),
                    name=f"rule_once_per_{name}",
                    violation_error_message="There is a rule of this check for that scope already: change that one.",
                )
                for name in SCOPES
            ),
        )

    def __str__(self) -> str:
        return f"{self.check_id} for {self.scope_label}"

    @property
    def scope(self) -> str:
        """Which field says what the rule is for: venue, asset_class, instrument_id or dataset."""
        columns = {name: self.dataset_id if name == "dataset" else getattr(self, name) for name in SCOPES}
        return next((name for name, value in columns.items() if value), "")

    @property
    def scope_label(self) -> str:
        """What the rule is for, in words."""
        if self.dataset is not None:
            return f"dataset {self.dataset} in {self.dataset.store}"
        return f"{self.scope.removesuffix('_id').replace('_', ' ')} {getattr(self, self.scope, '')}".strip()


class QualityRuleChange(models.Model):
    """Who changed which rule, when, from what to what. Stays when the rule is gone."""

    class Action(models.TextChoices):
        CREATED = "created", "Created"
        CHANGED = "changed", "Changed"
        DELETED = "deleted", "Deleted"

    change_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rule_id = models.UUIDField(db_index=True)
    check_id = models.CharField("check", max_length=60)
    scope = models.JSONField(default=dict, help_text="What the rule is for: {field, value, label}.")
    action = models.CharField(max_length=10, choices=Action)
    before = models.JSONField(default=dict, help_text="Mode, params and note before; empty for a new rule.")
    after = models.JSONField(default=dict, help_text="The same afterwards; empty for a deleted rule.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    username = models.CharField(max_length=150, blank=True, help_text="Kept when the user is gone.")
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-changed_at",)
        indexes = (models.Index(fields=("-changed_at",)),)  # the list

    def __str__(self) -> str:
        return f"{self.check_id} for {self.scope.get('label', '')} {self.action}"


class Suppression(models.Model):
    """A finding of a check on a dataset that somebody looked at and leaves alone, for a time and with a reason."""

    suppression_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="suppressions")
    check_id = models.CharField("check", max_length=60)
    reason = models.TextField(help_text="Why the finding does not count: what was looked at, and who says so.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="suppressions", editable=False
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="UTC; empty: until it is lifted by hand.")
    ended_at = models.DateTimeField(null=True, editable=False)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    was_lifted = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("dataset", "check_id"),
                condition=models.Q(ended_at=None),
                name="suppressed_once_at_a_time",
                violation_error_message="This finding is suppressed already.",
            ),
        )
        indexes = (
            models.Index(fields=("expires_at",), condition=models.Q(ended_at=None), name="suppression_running"),  # beat
        )

    def __str__(self) -> str:
        return f"{self.check_id} of {self.dataset}"

    def state_at(self, now: datetime) -> str:
        """`active`, `expired` or `lifted`."""
        if self.ended_at is not None:
            return "lifted" if self.was_lifted else "expired"
        return "active" if self.expires_at is None or self.expires_at > now else "expired"

    @property
    def state(self) -> str:
        """As of now."""
        return self.state_at(timezone.now())
