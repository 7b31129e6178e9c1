"""MediaFile: content that is stored once. FileInfo: what QQ called it, where and how long."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from qqconsole.bots.models import Bot
from qqconsole.media.storage import media_storage


class MediaKind(models.TextChoices):
    IMAGE = "image", _("picture")
    VIDEO = "video", _("video")
    VOICE = "voice", _("voice")
    FILE = "file", _("file")


class MediaFile(models.Model):
    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    md5 = models.CharField("MD5", max_length=32)
    sha1 = models.CharField("SHA-1", max_length=40)
    md5_10m = models.CharField(_("MD5 of the first 10 MB"), max_length=32)
    """MD5 of the first 10,002,432 bytes: QQ asks for it beside the other two."""
    size = models.BigIntegerField(_("size, bytes"))
    mime = models.CharField(_("MIME type"), max_length=100, blank=True)
    """Told from the content; empty: nobody knows it."""
    kind = models.CharField(_("kind"), max_length=8, choices=MediaKind, default=MediaKind.FILE)
    """What QQ would take it as, by its content."""
    name = models.CharField(_("name"), max_length=100)
    """The name it first came with, for people: nothing is stored or opened under it."""
    file = models.FileField(_("place"), max_length=200, storage=media_storage)
    """Its place in the storage is made of the sha256 (``storage.new_place``)."""
    thumbnail = models.FileField(_("thumbnail"), max_length=200, storage=media_storage, blank=True)
    """Empty: there is none, and an icon stands for it."""
    width = models.PositiveIntegerField(_("width, pixels"), null=True)
    height = models.PositiveIntegerField(_("height, pixels"), null=True)
    duration_ms = models.PositiveIntegerField(_("length, ms"), null=True)
    silk = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="recordings", verbose_name=_("as a QQ voice message")
    )
    """The same sound as QQ takes a voice message."""
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("account")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"))

    class Meta:
        verbose_name = _("media file")
        verbose_name_plural = _("media files")
        indexes = [
            models.Index(fields=["kind", "-id"], name="media_by_kind"),
            models.Index(fields=["last_used_at"], name="media_to_clean"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind}, {self.sha256[:12]})"


class FileInfo(models.Model):
    """QQ's ``file_info`` of an upload: good for one bot and one scene only, until it ends."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="+")
    scene = models.CharField(max_length=8)
    file = models.ForeignKey(MediaFile, on_delete=models.CASCADE, related_name="infos")
    kind = models.CharField(max_length=8, choices=MediaKind)
    """What it was uploaded as: QQ gives a picture that goes as a file another one."""
    name = models.CharField(max_length=100, blank=True)
    """Of a file, the name it was uploaded with: QQ shows that one whenever the ``file_info`` is sent."""
    file_info = models.TextField()
    until = models.DateTimeField(null=True)
    """None: QQ said it does not end."""
    created_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bot", "scene", "file", "kind", "name"], name="one_file_info_per_scene_and_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.file_id} as {self.kind} in {self.scene} of bot {self.bot_id}"


class MediaUse(models.Model):
    """A reply whose model sent this file in the middle of it. (A media delivery says so itself: ``Delivery.item``.)"""

    file = models.ForeignKey(MediaFile, on_delete=models.PROTECT, related_name="uses")
    delivery = models.ForeignKey("deliveries.Delivery", on_delete=models.CASCADE, related_name="media_uses")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "delivery"], name="one_use_per_file_and_delivery")]

    def __str__(self) -> str:
        return f"file {self.file_id} in delivery {self.delivery_id}"
