"""The networks of the engine's tests, ready to be listed, and nothing shipped beside them."""

from tests.engines.transfer.conftest import models, only_these, trained

__all__ = ["models", "only_these", "trained"]
