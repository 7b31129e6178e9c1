"""Performance claims, each one a command: ``python -m bench`` (or ``make bench``)."""
