"""Addresses of photos, albums and uploads."""

from django.urls import path

from photos.views import albums, export, media, selected, status, timeline, trash, upload

app_name = "photos"

urlpatterns = [
    path("", timeline.timeline, name="timeline"),
    path("favourites/", timeline.favourites, name="favourites"),
    path("undated/", timeline.undated, name="undated"),
    path("albums/", albums.albums, name="albums"),
    path("albums/new/", albums.new_album, name="album-new"),
    path("albums/<int:album_id>/", albums.album, name="album"),
    path("albums/<int:album_id>/rename/", albums.rename_album, name="album-rename"),
    path("albums/<int:album_id>/delete/", albums.delete_album, name="album-delete"),
    path("albums/<int:album_id>/cover/", albums.choose_cover, name="album-cover"),
    path("albums/<int:album_id>/remove/", albums.remove_photos, name="album-remove"),
    path("selection/favourite/", selected.favourite, name="favourite"),
    path("selection/album/", selected.add_to_album, name="add-to-album"),
    path("selection/date/", selected.set_date, name="set-date"),
    path("selection/download/", selected.download, name="download"),
    path("selection/trash/", selected.move_to_trash, name="move-to-trash"),
    path("acts/<int:act_id>/undo/", selected.undo, name="undo-act"),
    path("trash/", trash.index, name="trash"),
    path("trash/restore/", trash.restore, name="trash-restore"),
    path("trash/delete/", trash.delete, name="trash-delete"),
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
    path("settings/originals.zip", export.originals, name="originals"),
    path("status/", status.status, name="status"),
    path("healthz", status.healthz, name="healthz"),
]
