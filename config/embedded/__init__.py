"""PostgreSQL with pgvector and Valkey without installing either: they come with the wheels.

services = EmbeddedServices(home)
services.database_url          # at any time, computed from files
services.start(print)          # False if another process runs them already
services.stop()

with running(home):            # for commands: joins running services, or starts its own
    ...
"""

from config.embedded.errors import EmbeddedError
from config.embedded.home import Home, default_home
from config.embedded.services import EmbeddedServices, running

__all__ = ["EmbeddedError", "EmbeddedServices", "Home", "default_home", "running"]
