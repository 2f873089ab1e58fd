"""OpenVINO without its telemetry: what Kith does is told to nobody."""

import sys

# Its tools report every conversion to their maker, through Google Analytics, unless this package is missing.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

import openvino  # noqa: E402
from openvino.frontend import FrontEndManager  # noqa: E402

__all__ = ["FrontEndManager", "openvino"]
