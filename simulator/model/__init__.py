"""A scripted language model behind an OpenAI-compatible address, for demo, development and tests."""

from simulator.model.routes import add_model_routes

__all__ = ["add_model_routes"]
