"""The decoding gate: no picture is decoded in a process that matters.

`gate` is what the rest of Kith calls. It talks to `server`, a small process that
forks a child with memory and time limits for each picture; the child runs `jobs`.
"""

from photos.decoding.gate import Derived, Details, Inspected, Rejected, derive, details, inspect, pixels

__all__ = ["Derived", "Details", "Inspected", "Rejected", "derive", "details", "inspect", "pixels"]
