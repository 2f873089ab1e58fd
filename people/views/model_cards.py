"""Models: what is to be known of each."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.http import UserRequest
from ml.cards import every, made, texts
from ml.cards.card import ModelCard
from ml.cards.measured import measured
from people.card_words import ShownCard, said
from photos.face_model import wanted_face_model

# What works whatever face model is chosen.
ALWAYS_USED = ("mtcnn", "quality", "calibration", "projection")


@require_safe
def model_cards(request: UserRequest) -> HttpResponse:
    """A card for each model there is, those in use first."""
    cards = [*every.built_in(), *every.of_files(settings.KITH_MODELS), own_card(request)]
    chosen = wanted_face_model()
    shown = [ShownCard(card, card.key in ALWAYS_USED or card.model == chosen) for card in cards]
    shown.sort(key=lambda card: not card.is_used)
    context = {
        "cards": shown,
        "open_card": request.GET.get("card", ""),
        "counted": measured()["data"],
        "about_photos": said(texts.ON_THESE_PHOTOS),
        "about_groups": said(texts.NO_GROUPS_OF_PEOPLE),
    }
    return render(request, "people/model_cards.html", context)


def own_card(request: UserRequest) -> ModelCard:
    """Of what the user's library learnt from answers."""
    return made.own_projection()
