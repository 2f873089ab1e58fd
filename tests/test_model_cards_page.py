"""docs/model-cards.md is made of the cards that the app shows."""

from tools import model_cards


def test_the_page_is_what_the_command_writes():
    assert model_cards.PAGE.read_text() == model_cards.page()
