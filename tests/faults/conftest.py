"""`--whole`: every case of the tables, not only as many as let every two values meet."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="every case of the fault tables")
