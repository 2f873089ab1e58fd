"""Strangers are sent to sign in; a script is told so instead."""

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db


def test_an_upload_whose_session_ended_is_told_to_sign_in(client, alice):
    response = client.post(reverse("photos:batches"), {"expected": 1}, headers={"X-CSRFToken": "x"})

    assert response.status_code == 401
    assert response.json()["message"].startswith("Sign in again")


def test_a_form_is_sent_to_the_sign_in_page(client, alice):
    response = client.post(reverse("photos:batches"), {"expected": 1})

    assert response.status_code == 302
