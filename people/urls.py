"""Addresses of people, faces, questions and answers."""

from django.urls import path

from people.views import erasing, faces, groups, history, library_map, naming, people, photo, recognise, review, search

app_name = "people"

urlpatterns = [
    path("people/", people.index, name="index"),
    path("people/names/", people.names, name="names"),
    path("people/strip/", groups.strip, name="strip"),
    path("people/<int:person_id>/", people.person, name="person"),
    path("people/<int:person_id>/edit/", people.edit, name="edit"),
    path("people/<int:person_id>/hide/", people.hide, name="hide"),
    path("people/<int:person_id>/merge/", people.merge, name="merge"),
    path("people/<int:person_id>/merge/preview/", people.merge_preview, name="merge-preview"),
    path("people/<int:person_id>/faces/", people.change_faces, name="change-faces"),
    path("people/<int:person_id>/forget/", erasing.forget, name="forget"),
    path("settings/delete-face-data/", erasing.delete_face_data, name="delete-face-data"),
    path("settings/naming/", naming.naming, name="naming"),
    path("settings/naming/take-back/", naming.take_back, name="take-back"),
    path("map/", library_map.library_map, name="map"),
    path("groups/<int:cluster_id>/", groups.group, name="group"),
    path("groups/<int:cluster_id>/name/", groups.name_group, name="name-group"),
    path("groups/<int:cluster_id>/hide/", groups.hide, name="hide-group"),
    path("review/", review.review, name="review"),
    path("review/answer/", review.answer, name="answer"),
    path("recognise/", recognise.recognise, name="recognise"),
    path("search/", search.search, name="search"),
    path("history/", history.history, name="history"),
    path("history/undo/", history.undo_last, name="undo-last"),
    path("history/redo/", history.redo_last, name="redo-last"),
    path("history/<int:decision_id>/undo/", history.undo, name="undo"),
    path("history/<int:decision_id>/undo-later/", history.undo_later, name="undo-later"),
    path("photos/<int:photo_id>/", photo.photo, name="photo"),
    path("photos/<int:photo_id>/repeat/", photo.repeat, name="repeat"),
    path("faces/<int:face_id>/crop.webp", faces.crop, name="crop"),
    path("faces/<int:face_id>/name/", faces.name_face, name="name-face"),
    path("faces/<int:face_id>/answer/", faces.answer_suggestion, name="answer-face"),
    path("faces/<int:face_id>/remove/", faces.remove_name, name="remove-name"),
    path("faces/<int:face_id>/ignore/", faces.ignore, name="ignore-face"),
]
