"""The page of the models."""

import html
import re

import pytest
from django.urls import reverse
from django.utils import translation

from ml.cards import every
from ml.cards.card import Number, Percent
from ml.evaluation.share import Share
from people.card_words import ShownCard, said, within
from photos.face_model import choose_face_model
from tests.ml.test_model_cards import plug_in

PAGE = reverse("people:model-cards")


@pytest.fixture
def models(settings, tmp_path):
    settings.KITH_MODELS = tmp_path
    return tmp_path


def text_of(response) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split()))


def test_every_model_has_its_card_with_figures(client, alice, models):
    client.force_login(alice)

    page = text_of(client.get(PAGE))

    for card in every.built_in():
        assert card.title in page
        for sentence in (card.task, *card.data, *card.licence, *card.intended, *card.not_for, *card.limits):
            assert sentence in page
        for table in card.tables:
            assert table.title in page
            assert all(said(cell) in page and within(cell) in page for row in table.rows for cell in row.cells)


def test_the_models_in_use_come_first(client, alice, models):
    plug_in(models)
    choose_face_model("mine-1a2b3c4d")
    client.force_login(alice)

    shown = client.get(PAGE).context["cards"]

    used = [card.card.key for card in shown if card.is_used]
    assert used == ["mtcnn", "quality", "calibration", "projection", "mine-1a2b3c4d"]
    assert [card.card.key for card in shown][: len(used)] == used


def test_a_link_opens_the_card_it_is_about(client, alice, models):
    client.force_login(alice)

    page = client.get(PAGE, {"card": "quality"}).content.decode()

    assert page.count('<details class="fold" open>') == 1
    assert '<details class="fold" open>' in page[page.index('id="quality"') : page.index('id="calibration"')]


def test_settings_and_status_lead_to_the_models(client, alice):
    client.force_login(alice)

    for page in ("accounts:settings", "photos:status"):
        assert f'href="{PAGE}' in client.get(reverse(page)).content.decode()


def test_figures_are_written_as_the_language_writes_them():
    share = Share(hits=9, trials=10, clusters=10)

    assert (said(share), within(share)) == ("90.0 %", "59.6 to 98.2")
    with translation.override("de"):
        assert (said(share), within(share)) == ("90,0 %", "59,6 bis 98,2")
        assert said(Percent(0.5)) == "50,0 %"
        assert said(Number(3985)) == "3.985"
        assert said("mine-1a2b3c4d") == "mine-1a2b3c4d"
    assert (said(None), said(""), within(None), within(Share(0, 0, 0))) == ("-", "", "", "")


def test_every_card_speaks_german(models):
    with translation.override("de"):
        for card in [ShownCard(card, is_used=False) for card in (*every.built_in(), *every.of_any())]:
            english = [card.card.task, *card.card.data, *card.card.limits, *card.card.licence]
            german = [card.task, *(sentence for _heading, sentences in card.sections for sentence in sentences)]
            assert not set(english) & set(german)
