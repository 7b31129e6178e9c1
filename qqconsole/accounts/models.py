"""People and API tokens. Two roles: operators watch, admins may also send again and administer."""

from __future__ import annotations

import hashlib
import secrets

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    OPERATOR = "operator", _("operator")
    ADMIN = "admin", _("admin")


class User(AbstractUser):
    role = models.CharField(_("role"), max_length=16, choices=Role, default=Role.OPERATOR)

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN or self.is_superuser


class AuditLine(models.Model):
    """Who did what to which row, and when; written in the transaction that does it, never changed."""

    user = models.ForeignKey("User", on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("account"))
    name = models.CharField(_("asked by"), max_length=150)
    """The person or API token, as it was called then."""
    action = models.CharField(_("action"), max_length=40)
    subject = models.CharField(_("subject"), max_length=100)
    """The row, as in "delivery 17"."""
    detail = models.JSONField(_("details"), default=dict)
    at = models.DateTimeField(_("time"), auto_now_add=True)

    class Meta:
        verbose_name = _("audit line")
        verbose_name_plural = _("audit lines")
        ordering = ["-id"]
        indexes = [models.Index(fields=["subject", "-id"], name="audit_of_subject")]

    def __str__(self) -> str:
        return f"{self.name} {self.action} {self.subject}"


class ApiToken(models.Model):
    """A token for the API and the live socket. Only its SHA-256 is kept: it carries 256 random bits already."""

    name = models.CharField(max_length=100, unique=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    role = models.CharField(max_length=16, choices=Role, default=Role.ADMIN)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN

    @classmethod
    def issue(cls, name: str, role: str = Role.ADMIN) -> tuple[ApiToken, str]:
        """Make a token; the second value is the secret, which is nowhere else."""
        secret = "qqc_" + secrets.token_urlsafe(32)
        return cls.objects.create(name=name, role=role, digest=cls.digest_of(secret)), secret

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()
