"""Bearer tokens of the API: stored hashed, shown once."""

from django.conf import settings
from django.db import models


class ApiToken(models.Model):
    """A named, scoped, expiring token of one user."""

    class Scope(models.TextChoices):
        READ = "read", "Read"
        EXPORT = "export", "Export"
        IMPORT = "import", "Import"
        FEEDS = "feeds", "Feeds"
        ADMIN = "admin", "Admin"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, help_text="First characters, to recognise it by.")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token.")
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (models.UniqueConstraint(fields=("user", "name"), name="token_name_once_per_user"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
