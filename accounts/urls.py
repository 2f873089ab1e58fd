"""Addresses of everything about the user."""

from django.urls import path

from accounts import session_views, views

app_name = "accounts"

urlpatterns = [
    path("welcome/", views.welcome, name="welcome"),
    path("welcome/faces/", views.faces, name="faces"),
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("language/", views.change_language, name="change-language"),
    path("settings/", views.settings, name="settings"),
    path("settings/theme/", views.change_theme, name="change-theme"),
    path("settings/keys/", views.change_keys, name="change-keys"),
    path("settings/faces/", views.change_faces, name="change-faces"),
    path("settings/password/", views.change_password, name="change-password"),
    path("settings/sessions/end/", session_views.end_session, name="end-session"),
    path("settings/sessions/end-others/", session_views.end_other_sessions, name="end-other-sessions"),
]
