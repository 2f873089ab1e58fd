"""Photos, the albums they are in and the batches they arrived with."""

from photos.models.album import Album
from photos.models.archive import Archive
from photos.models.batch import Batch, BatchFile, Progress
from photos.models.photo import Photo

__all__ = ["Album", "Archive", "Batch", "BatchFile", "Photo", "Progress"]
