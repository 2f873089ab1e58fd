"""The real PostgreSQL and Valkey of a test run: started before Django reads its settings.

A pytest plugin (see addopts), because pytest-django loads the settings before any conftest.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What is fetched once and kept between runs: weights, pictures.
KEPT = Path(os.environ.get("KITH_TEST_CACHE") or ROOT / "var" / "test")

HOME = Path(tempfile.mkdtemp(prefix="kith-test-", dir="/var/tmp" if Path("/var/tmp").is_dir() else None))
# The system user PostgreSQL runs as must be able to pass through.
HOME.chmod(0o711)
(HOME / "static").mkdir()  # WhiteNoise warns when it is missing
os.environ["KITH_HOME"] = str(HOME)
os.environ["KITH_MODELS"] = str(KEPT / "models")
os.environ["KITH_DEBUG"] = "1"
for replaced in ("DATABASE_URL", "REDIS_URL", "KITH_FACE_MODEL"):
    os.environ.pop(replaced, None)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[None]:
    from config.embedded import EmbeddedServices

    if session.config.getoption("numprocesses", None):  # this process only hands out tests
        return (yield)
    services = EmbeddedServices(HOME)
    services.start(lambda sentence: None)
    try:
        return (yield)
    finally:
        services.stop(lambda sentence: None)


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
