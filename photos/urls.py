"""Addresses of photos, albums and uploads."""

from django.urls import path

from photos.views import media, status, timeline, upload

app_name = "photos"

urlpatterns = [
    path("", timeline.timeline, name="timeline"),
    path("albums/", timeline.albums, name="albums"),
    path("albums/<int:album_id>/", timeline.album, name="album"),
    path("albums/<int:album_id>/rename/", timeline.rename_album, name="album-rename"),
    path("upload/", upload.upload, name="upload"),
    path("batches/", upload.open_batch, name="batches"),
    path("batches/<int:batch_id>/", upload.batch, name="batch"),
    path("batches/<int:batch_id>/card/", upload.batch_card, name="batch-card"),
    path("batches/<int:batch_id>/expect/", upload.expect_more, name="batch-expect"),
    path("batches/<int:batch_id>/files/", upload.receive_file, name="batch-file"),
    path("batches/<int:batch_id>/album/", upload.batch_album, name="batch-album"),
    path("batches/<int:batch_id>/state/", upload.set_state, name="batch-state"),
    path("batches/<int:batch_id>/retry/", upload.retry_batch, name="batch-retry"),
    path("photos/retry/", upload.retry_all, name="retry-all"),
    path("photos/<int:photo_id>/retry/", upload.retry_photo, name="retry"),
    path("photos/<int:photo_id>/small.webp", media.small, name="small"),
    path("photos/<int:photo_id>/large.webp", media.large, name="large"),
    path("photos/<int:photo_id>/original", media.original, name="original"),
    path("status/", status.status, name="status"),
    path("healthz", status.healthz, name="healthz"),
]
