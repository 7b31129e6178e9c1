import aiohttp.web


def add_phone_routes(app: aiohttp.web.Application) -> None:
    """Placeholder."""
