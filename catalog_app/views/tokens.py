"""A user's own API tokens."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from catalog_app.forms.token import TokenForm
from catalog_app.models import ApiToken
from catalog_app.services import tokens
from catalog_app.services.errors import ServiceError
from catalog_app.views.users import user_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def token_list(request: HttpRequest) -> HttpResponse:
    """The user's tokens, and the form for a new one; its secret is in the answer to the form and nowhere else."""
    user = user_of(request)
    made = None
    form = TokenForm(user, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = tokens.create_token(user, **form.cleaned_data)
            form = TokenForm(user)
        except ServiceError as refusal:
            form.add_error(None, str(refusal))
    context = {"form": form, "made": made, "tokens": user.api_tokens.all(), "now": timezone.now()}
    return render(request, "tokens/list.html", context, status=422 if form.errors else 200)


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one of the user's own tokens back."""
    token = get_object_or_404(ApiToken, pk=pk, user=user_of(request))
    tokens.revoke(token)
    messages.success(request, f"The token {token.name} is revoked.")
    return redirect("tokens:list")
