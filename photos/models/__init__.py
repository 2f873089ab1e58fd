"""Photos, the albums they are in, the batches they arrived with, and what their owner did with them."""

import photos.models.any_of  # noqa: F401  the lookup is there once it is imported
from photos.models.act import Act
from photos.models.album import Album
from photos.models.archive import Archive
from photos.models.batch import Batch, BatchFile, Progress
from photos.models.photo import Photo

__all__ = ["Act", "Album", "Archive", "Batch", "BatchFile", "Photo", "Progress"]
