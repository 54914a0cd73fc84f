"""What can be done with a store as a whole."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from catalog_app.models import Store
from catalog_app.services.stores import request_sync
from catalog_app.views.users import user_of


@require_POST
@permission_required("catalog_app.sync_store", raise_exception=True)
def sync(request: HttpRequest, pk: int) -> HttpResponse:
    """Read a store's files into the index, as a job."""
    store = get_object_or_404(Store, pk=pk)
    request_sync(store, user_of(request))
    messages.success(request, f"Reading the files of {store.name}: follow it under Jobs.")
    return redirect("overview")
