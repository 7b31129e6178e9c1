"""What Django's own error page (``QQCONSOLE_DEBUG=1``) shows of the settings: no secret, wherever in a value it is."""

from __future__ import annotations

from typing import Any

from django.views.debug import SafeExceptionReporterFilter

from qqconsole.logs import redact


class QuietReports(SafeExceptionReporterFilter):
    """Django hides settings by their names; a password in the address of Redis or of a bucket has none."""

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        cleansed = super().cleanse_setting(key, value)
        return redact(cleansed) if isinstance(cleansed, str) else cleansed
