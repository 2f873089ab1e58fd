"""The table of reliability is the one its command writes."""

from tools import reliability


def test_the_page_is_what_the_command_writes():
    assert reliability.PAGE.read_text() == reliability.page()
