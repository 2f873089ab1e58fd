"""Models: what is to be known of each."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.http import UserRequest
from ml.cards import every, made, texts
from ml.cards.measured import measured
from people.card_words import ShownCard, said
from people.models import Training
from photos.face_model import wanted_face_model

# What works whatever face model is chosen.
ALWAYS_USED = ("mtcnn", "quality", "calibration", "projection")
OWN = "own-projection"  # what the user's library learnt from answers


@require_safe
def model_cards(request: UserRequest) -> HttpResponse:
    """A card for each model there is, those in use first."""
    rows = Training.objects.select_related("latest", "filled").defer("latest__content", "filled__content")
    learnt = rows.filter(owner=request.user).first() or Training()
    own = learnt.filled if learnt.is_used else learnt.latest
    used = {*ALWAYS_USED, OWN} if learnt.is_used else {*ALWAYS_USED}
    cards = [
        *every.built_in(),
        *every.of_files(settings.KITH_MODELS),
        made.own_projection(own.figures if own else None),
    ]
    chosen = wanted_face_model()
    shown = [ShownCard(card, card.key in used or card.model == chosen) for card in cards]
    shown.sort(key=lambda card: not card.is_used)
    context = {
        "cards": shown,
        "open_card": request.GET.get("card", ""),
        "counted": measured()["data"],
        "about_photos": said(texts.ON_THESE_PHOTOS),
        "about_groups": said(texts.NO_GROUPS_OF_PEOPLE),
    }
    return render(request, "people/model_cards.html", context)
