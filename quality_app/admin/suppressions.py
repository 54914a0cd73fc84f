"""Suppressed findings in the admin: those that hold, and what ended. Nothing is deleted: history stays."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import ActionLocation
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from catalog_app.services.errors import ServiceError
from catalog_app.views.users import user_of
from quality_app.admin.choosing import DatasetChoice
from quality_app.forms.suppressions import SuppressionForm
from quality_app.models import Suppression
from quality_app.services.rules.suppressing import lift, suppress


class StateFilter(admin.SimpleListFilter):
    """Active, or ended in one of two ways."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", "Active"), ("expired", "Expired"), ("lifted", "Lifted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> QuerySet[Suppression]:
        over = Q(expires_at__lte=timezone.now())
        chosen = {
            "active": Q(ended_at=None) & ~over,
            "expired": Q(was_lifted=False) & over,
            "lifted": Q(was_lifted=True),
        }
        value = self.value()
        return queryset.filter(chosen[value]) if value in chosen else queryset


@admin.register(Suppression)
class SuppressionAdmin(DatasetChoice):
    """Suppressing and lifting; scores follow at once."""

    form = SuppressionForm
    list_display = ("check_id", "dataset", "state", "reason", "created_by", "until_when")
    list_filter = (StateFilter,)
    list_select_related = ("dataset", "created_by", "ended_by")
    list_per_page = 100
    show_full_result_count = False
    search_fields = ("check_id", "dataset__path", "dataset__instrument_id", "reason")
    actions = ("lift_chosen",)
    fields = ("dataset", "check_id", "reason", "until")
    shown = ("dataset", "check_id", "state", "reason", "created_by", "since", "until_when")

    @admin.action(
        description="Lift: the finding counts again",
        permissions=["change"],
        location=[ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM],
    )
    def lift_chosen(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> None:
        """End the chosen ones, those that have not ended."""
        lifted = 0
        for one in queryset.select_related("dataset"):
            try:
                lift(one, user_of(request))
                lifted += 1
            except ServiceError as refusal:
                self.message_user(request, f"{one}: {refusal}", messages.WARNING)
        if lifted:
            self.message_user(request, f"{lifted} lifted. The scores of their datasets have followed.")

    @admin.display(description="From, UTC", ordering="created_at")
    def since(self, obj: Suppression) -> str:
        """To the minute."""
        return f"{obj.created_at:%Y-%m-%d %H:%M}"

    @admin.display(description="Until, UTC", ordering="expires_at")
    def until_when(self, obj: Suppression) -> str:
        """When it ended or will; a lifted one also by whom."""
        if obj.was_lifted:
            return f"{obj.ended_at:%Y-%m-%d %H:%M}, lifted by {obj.ended_by or 'somebody who is gone'}"
        return f"{obj.expires_at:%Y-%m-%d %H:%M}" if obj.expires_at else "lifted by hand"

    def get_fields(self, request: HttpRequest, obj: Suppression | None = None) -> Any:
        return self.shown if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Suppression | None = None) -> Any:
        return self.shown if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        return False

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """One that exists is looked at, or lifted."""
        if kwargs.get("change"):
            context = {
                **context,
                "show_save": False,
                "show_save_and_continue": False,
                "show_save_and_add_another": False,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form; what the service refuses is said."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ServiceError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        """Suppress through the service."""
        if not change:
            made = suppress(obj.dataset, obj.check_id, obj.reason, user_of(request), obj.expires_at)
            obj.pk = made.pk
