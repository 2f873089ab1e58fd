"""Files people send that are no ordinary photos: bad, odd, rare and built to do harm, each with what becomes of it.

Every file is made by code. `samples()` are all that are sent one by one; archives and duplicates are scenes of several.
"""

from tests.photos.corpus import archives, damage, disguises, formats, jpeg, metadata, names, png
from tests.photos.corpus.sample import Sample

__all__ = ["FAMILIES", "Sample", "samples"]

FAMILIES = {
    "JPEG": jpeg.SAMPLES,
    "damaged": damage.SAMPLES,
    "metadata": metadata.SAMPLES,
    "PNG": png.SAMPLES,
    "other formats": formats.SAMPLES,
    "disguises": disguises.SAMPLES,
    "names": names.SAMPLES,
    "archives": archives.SAMPLES,
}


def samples(*families: str) -> list[Sample]:
    """Those of these families, or all."""
    return [sample for family in families or FAMILIES for sample in FAMILIES[family]]
