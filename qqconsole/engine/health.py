"""What of the engine is alive."""

from __future__ import annotations

from django.db import DatabaseError, connection


def check() -> dict[str, str]:
    """Each part's name with "" or what is wrong with it."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        return {"database": str(error)}
    return {"database": ""}
