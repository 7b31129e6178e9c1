"""Why media cannot be taken, and what is changed beforehand: code words in plain words, in the reader's language."""

from __future__ import annotations

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PROBLEMS: dict[str, Promise] = {
    "empty": _("The file is empty."),
    "too_large": _("The file is over 200 MB, the most QQ takes. Make it smaller, or send a link."),
    "disk_full": _("The disk is full, so the file was not stored. Free some space and try again."),
    "truncated": _("The file is cut off: its end is missing. Get it again from where it came from."),
    "wrong_type": _(
        "The content is neither a picture, a video nor a sound. Send it as a file, if it is the right one."
    ),
    "unreadable": _("The file could not be read."),
    "gone": _("The file is no longer in the library's storage, or it was changed there. Upload it again."),
    "storage": _("The library's storage does not take or give files right now. Look at it, then try again."),
}
"""Why a file is not taken at all."""

NOTES: dict[str, Promise] = {
    "image_too_large": _("Over 20 MB: QQ takes it as a file, not as a picture."),
    "video_too_large": _("Over 30 MB: QQ takes it as a file, not as a video."),
    "voice_too_large": _("Over 20 MB: QQ takes it as a file, not as a voice message."),
    "voice_too_long": _("Longer than 10 minutes: it goes as a file, not as a voice message."),
    "voice_unconvertible": _("It cannot be turned into QQ's voice format here: it goes as a file."),
    "voice_converted": _("Turned into QQ's voice format (SILK)."),
    "picture_type": _("QQ shows PNG, JPEG, GIF, WebP and BMP pictures; this one goes as a file."),
    "picture_bomb": _("The picture would unpack to far too many pixels: it goes as a file and is not opened here."),
    "picture_unreadable": _("The picture cannot be read: it goes as a file."),
    "video_type": _("QQ plays MP4 videos; this one goes as a file."),
    "is_image": _("Its content is a picture, so it goes as one."),
    "is_video": _("Its content is a video, so it goes as one."),
    "is_voice": _("Its content is a sound, so it goes as a voice message."),
}
"""What is changed before it is sent, and why."""


class MediaProblem(Exception):
    """A file that cannot be taken, kept or given. ``reason``: a code word of PROBLEMS; ``detail``: for the engineer."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


def in_words(word: str) -> str:
    """A problem or a note in the active language; a word no table knows comes back as it is."""
    return str(PROBLEMS.get(word) or NOTES.get(word) or word)


def in_english(word: str) -> str:
    """The same for a model and for the record."""
    with translation.override("en"):
        return in_words(word)
