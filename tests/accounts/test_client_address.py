"""Whose wrong passwords are counted."""

import pytest
from django.test import RequestFactory

from accounts.http import client_address

CLAIMED = {"REMOTE_ADDR": "10.0.0.9", "HTTP_X_FORWARDED_FOR": "1.1.1.1, 203.0.113.7"}


def test_without_a_proxy_a_claimed_address_counts_for_nothing(settings):
    settings.KITH_HTTPS = False

    assert client_address(RequestFactory().get("/", **CLAIMED)) == "10.0.0.9"


def test_behind_the_proxy_the_hop_it_noted_counts(settings):
    settings.KITH_HTTPS = True

    assert client_address(RequestFactory().get("/", **CLAIMED)) == "203.0.113.7"


@pytest.mark.parametrize(
    ("noted", "address"),
    [
        ("203.0.113.7:5555", "203.0.113.7"),
        ("[2001:db8::7]:5555", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("1.1.1.1, unknown", "10.0.0.9"),
        ("", "10.0.0.9"),
    ],
)
def test_a_port_is_no_part_of_an_address_and_nonsense_is_none(settings, noted, address):
    settings.KITH_HTTPS = True
    headers = {"REMOTE_ADDR": "10.0.0.9", "HTTP_X_FORWARDED_FOR": noted}

    assert client_address(RequestFactory().get("/", **headers)) == address
