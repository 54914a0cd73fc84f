"""Django admin: stores are registered here; everything else is for looking."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from catalog_app.models import (
    ApiToken,
    DataFile,
    Dataset,
    Export,
    Import,
    Instrument,
    Job,
    JobLine,
    Store,
    StoreOperation,
    Upload,
)
from catalog_app.services.dialect_notes import LABELS
from catalog_app.services.errors import ServiceError
from catalog_app.services.store_roots import check_root
from catalog_app.services.stores import request_sync
from catalog_app.views.users import user_of


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows that services own: nothing is added, changed or deleted by hand."""

    list_per_page = 100
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class StoreForm(forms.ModelForm):
    """A store's name and root; the root must be a directory or bucket that the desk may read."""

    class Meta:
        model = Store
        fields = ("name", "root", "read_only", "is_demo")

    def clean_root(self) -> str:
        try:
            return check_root(self.cleaned_data["root"])
        except ServiceError as refusal:
            raise forms.ValidationError(str(refusal)) from None


@admin.register(Store)
class StoreAdmin(admin.ModelAdmin):
    """Registering, renaming and forgetting stores. Forgetting one leaves its files where they are."""

    form = StoreForm
    list_display = ("name", "root", "dialects", "read_only", "is_demo", "synced_at", "looked_at", "sync_error")
    readonly_fields = ("dialects", "created_at", "synced_at", "looked_at", "sync_error")

    @admin.display(description="Dialects")
    def dialects(self, obj: Store) -> str:
        """Those of its datasets, and which NautilusTrader reads them."""
        found = sorted(set(obj.datasets.exclude(dialect="").order_by().values_list("dialect", flat=True).distinct()))
        return ", ".join(f"{dialect} ({LABELS.get(dialect, dialect)})" for dialect in found) or "-"

    def get_readonly_fields(self, request: HttpRequest, obj: Store | None = None) -> Any:
        # The index belongs to the files of this root: another root is another store.
        return (*self.readonly_fields, "root") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Store, form: Any, change: bool) -> None:
        """Save, and have a new store's files read at once."""
        super().save_model(request, obj, form, change)
        if not change:
            request_sync(obj, user_of(request))


@admin.register(Instrument)
class InstrumentAdmin(ReadOnlyAdmin):
    list_display = ("instrument_id", "venue", "asset_class", "currency", "is_defined", "store")
    list_filter = ("store", "is_defined", "asset_class", "venue")
    list_select_related = ("store",)
    search_fields = ("instrument_id",)


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "data_type",
        "dialect",
        "record_count",
        "start_date",
        "end_date",
        "state",
        "quality_score",
        "store",
    )
    list_filter = ("store", "data_type", "dialect", "state", "venue")
    list_select_related = ("store",)
    search_fields = ("instrument_id", "path")


@admin.register(DataFile)
class DataFileAdmin(ReadOnlyAdmin):
    list_display = ("path", "role", "size_bytes", "rows", "dialect", "state", "store")
    list_filter = ("store", "state", "role", "dialect")
    list_select_related = ("store",)
    search_fields = ("path",)


class JobLineInline(admin.TabularInline):
    model = JobLine
    extra = 0
    can_delete = False
    fields = readonly_fields = ("at", "level", "text")


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("title", "kind", "state", "stage", "attempt", "user", "created_at", "finished_at")
    list_filter = ("state", "kind", "queue")
    list_select_related = ("user",)
    search_fields = ("title", "job_id")
    inlines = (JobLineInline,)


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    list_display = ("original_name", "size_bytes", "user", "created_at", "purged_at")
    list_select_related = ("user",)
    search_fields = ("original_name", "sha256")


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    list_display = ("import_id", "upload", "dataset", "record_count", "rejected_count", "created_by", "created_at")
    list_select_related = ("upload", "dataset", "created_by")


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = ("export_id", "export_type", "dataset", "status", "record_count", "created_by", "created_at")
    list_filter = ("status", "export_type")
    list_select_related = ("dataset", "created_by")


@admin.register(StoreOperation)
class StoreOperationAdmin(ReadOnlyAdmin):
    list_display = ("kind", "path", "store", "state", "rows_before", "rows_after", "user", "created_at")
    list_filter = ("store", "kind", "state")
    list_select_related = ("store", "user")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens are made by their users; an admin sees them, and deletes those of people who left."""

    list_display = ("name", "prefix", "user", "scopes", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    exclude = ("digest",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)
