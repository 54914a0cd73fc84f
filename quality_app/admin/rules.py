"""Rules of checks in the admin: typed parameters, a history, and the validation that a change asks for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from catalog_app.admin import ReadOnlyAdmin
from catalog_app.views.users import user_of
from quality_app.admin.choosing import DatasetChoice
from quality_app.checks.check import Check
from quality_app.checks.registry import CHECKS
from quality_app.forms.rules import PREFIX, NewRuleForm, RuleForm, rule_form
from quality_app.models import QualityRule, QualityRuleChange
from quality_app.services.rules.history import differences, settings_of
from quality_app.services.rules.resolution import (
    RuleRefused,
    affected,
    affected_by,
    delete_rule,
    problems_of,
    save_rule,
    validate_affected,
)

SHOWN_CHANGES = 20
SHOWN_DATASETS = 20
_KEPT = ("check_id", "venue", "asset_class", "instrument_id", "dataset", "mode", "note")


@admin.register(QualityRule)
class QualityRuleAdmin(DatasetChoice):
    """Rules. Each change goes through the service, which notes who changed what."""

    list_display = ("check_id", "applies_to", "sets", "why", "changed")
    list_filter = ("check_id", "venue")
    list_select_related = ("dataset__store",)
    list_per_page = 100
    show_full_result_count = False
    search_fields = ("check_id", "venue", "asset_class", "instrument_id", "dataset__path", "note")
    change_form_template = "admin/quality_app/rule_form.html"

    class Media:
        js = ("js/rule-form.js",)

    @admin.display(description="For", ordering="venue")
    def applies_to(self, obj: QualityRule) -> str:
        """The scope in words."""
        return obj.scope_label

    @admin.display(description="Sets")
    def sets(self, obj: QualityRule) -> str:
        """Parameters, and whether the check runs; also what of it the check does not know any more."""
        problems = " ".join(problems_of(obj))
        return ", ".join(settings_of(obj)) + (f" (no effect: {problems})" if problems else "")

    @admin.display(description="Why")
    def why(self, obj: QualityRule) -> str:
        """The beginning of the note."""
        return obj.note if len(obj.note) <= 80 else f"{obj.note[:79]}…"

    @admin.display(description="Changed, UTC", ordering="updated_at")
    def changed(self, obj: QualityRule) -> str:
        """To the minute."""
        return f"{obj.updated_at:%Y-%m-%d %H:%M}"

    def get_form(
        self, request: HttpRequest, obj: QualityRule | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """A form with a field for each parameter of the check."""
        base = RuleForm if obj else NewRuleForm
        return super().get_form(request, obj, change, **{**kwargs, "form": rule_form(base, _check(request, obj))})

    def get_readonly_fields(self, request: HttpRequest, obj: QualityRule | None = None) -> Any:
        # What a rule is for stays: another scope is another rule.
        return ("check_id", "applies_to") if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: QualityRule | None = None) -> Any:
        check = _check(request, obj)
        params = tuple(PREFIX + param.name for param in check.params) if check else ()
        about = {"description": _about(check)}
        if obj:
            return (
                (None, {"fields": ("check_id", "applies_to"), **about}),
                ("What it sets", {"fields": ("mode", *params)}),
                (None, {"fields": ("note",)}),
            )
        scope = {"fields": _KEPT[1:5], "description": "Fill in exactly one. A narrower rule wins over a wider one."}
        return (
            (None, {"fields": ("check_id",), **about}),
            ("For what", scope),
            ("What it sets", {"fields": ("mode", *params)}),
            (None, {"fields": ("note",)}),
        )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form; another check shows other parameters, and keeps what was typed."""
        if request.method == "POST" and "_show" in request.POST and object_id is None:
            typed = {name: request.POST.get(name, "")[:1000] for name in _KEPT}
            return redirect(f"{request.path}?{urlencode({name: text for name, text in typed.items() if text})}")
        context = {**(extra_context or {}), **(self._history(object_id) if object_id else {"chooses_check": True})}
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except RuleRefused as refusal:  # somebody else was quicker
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The rule's changes, each with before and after."""
        return redirect(f"{reverse('admin:quality_app_qualityrulechange_changelist')}?rule_id={object_id}")

    def save_model(self, request: HttpRequest, obj: QualityRule, form: Any, change: bool) -> None:
        """Save through the service, and offer to validate what is affected."""
        self._offer(request, save_rule(obj, user_of(request)))

    def delete_model(self, request: HttpRequest, obj: QualityRule) -> None:
        """Delete through the service."""
        self._offer(request, delete_rule(obj, user_of(request)))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[QualityRule]) -> None:
        """Delete each through the service."""
        for rule in queryset:
            self.delete_model(request, rule)

    def _offer(self, request: HttpRequest, change: QualityRuleChange | None) -> None:
        if change is None:
            return
        found = affected_by(change).count()
        if not found:
            self.message_user(request, "It applies to no dataset of the index now.", messages.WARNING)
            return
        text = "It changes what is found in {} dataset{}. Scores follow with their next validation: {}"
        link = format_html('<a href="{}">validate them now</a>.', _validation_url(change))
        self.message_user(request, format_html(text, f"{found:,}", "" if found == 1 else "s", link))

    def _history(self, object_id: str) -> dict[str, Any]:
        rule = self.get_object(HttpRequest(), object_id)
        if rule is None:
            return {}
        changes = list(QualityRuleChange.objects.filter(rule_id=rule.pk)[:SHOWN_CHANGES])
        return {
            "changes": [(change, differences(change)) for change in changes],
            "affected": affected(rule.scope, rule.dataset_id or getattr(rule, rule.scope), rule.check_id).count(),
            "validation_url": _validation_url(changes[0]) if changes else "",
            "problems": problems_of(rule),
        }


@admin.register(QualityRuleChange)
class QualityRuleChangeAdmin(ReadOnlyAdmin):
    """Who changed which rule, when; and the validation of what it affects."""

    list_display = ("at", "username", "action", "check_id", "applied_to", "what_changed")
    list_filter = ("action", "check_id")
    search_fields = ("check_id", "username")
    fields = readonly_fields = (
        "at",
        "username",
        "action",
        "check_id",
        "applied_to",
        "what_changed",
        "validate",
    )

    @admin.display(description="When, UTC", ordering="changed_at")
    def at(self, obj: QualityRuleChange) -> str:
        """To the second."""
        return f"{obj.changed_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="For")
    def applied_to(self, obj: QualityRuleChange) -> str:
        """The scope in words."""
        return str(obj.scope.get("label", ""))

    @admin.display(description="Before → after")
    def what_changed(self, obj: QualityRuleChange) -> SafeString:
        """Each difference on a line."""
        lines = ((one.what, one.before, one.after) for one in differences(obj))
        return format_html_join(SafeString("<br>"), "{}: {} → {}", lines)

    @admin.display(description="Validation")
    def validate(self, obj: QualityRuleChange) -> SafeString:
        """The way to the validation of what is affected."""
        return format_html('<a href="{}">Validate the datasets that it affects</a>', _validation_url(obj))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.validate_view)
        name = "quality_app_qualityrulechange_validate"
        return [path("<uuid:change_id>/validate/", view, name=name), *super().get_urls()]

    def validate_view(self, request: HttpRequest, change_id: UUID) -> HttpResponse:
        """Show what is affected; on POST start the job."""
        if not (self.has_view_permission(request) and request.user.has_perm("quality_app.add_validationrun")):
            raise PermissionDenied
        change = get_object_or_404(QualityRuleChange, pk=change_id)
        if request.method == "POST":
            try:
                return redirect("jobs:detail", validate_affected(change, user_of(request)).pk)
            except RuleRefused as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
        found = affected_by(change).order_by("venue", "instrument_id", "data_type").select_related("store")
        context = {
            **self.admin_site.each_context(request),
            "title": "Validate affected datasets",
            "opts": self.opts,
            "change": change,
            "differences": differences(change),
            "count": found.count(),
            "datasets": found[:SHOWN_DATASETS],
        }
        return TemplateResponse(request, "admin/quality_app/validate_affected.html", context)


def _check(request: HttpRequest, rule: QualityRule | None) -> Check | None:
    chosen = rule.check_id if rule else request.POST.get("check_id") or request.GET.get("check_id") or ""
    return CHECKS.get(chosen)


def _about(check: Check | None) -> SafeString | str:
    if check is None:
        return "The check decides which parameters there are."
    address = f"{reverse('quality:catalogue')}#{check.id}"
    return format_html('{} <a href="{}">Example and source</a>', check.explanation, address)


def _validation_url(change: QualityRuleChange) -> str:
    return reverse("admin:quality_app_qualityrulechange_validate", args=[change.pk])
