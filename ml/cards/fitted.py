"""Cards of what Kith itself fitted to labelled photos, or takes from a network."""

from __future__ import annotations

from ml.cards import texts
from ml.cards.card import ModelCard
from ml.cards.card import gettext_noop as _
from ml.cards.measured import measured
from ml.cards.tables import calibration_tables, quality_tables, verification_table


def quality() -> ModelCard:
    return ModelCard(
        key="quality",
        title=_("Face quality"),
        model="",
        task=_(
            "Says how probably a face is recognised. Poor faces start no group, and nobody is compared with them who "
            "has better ones."
        ),
        data=(
            _(
                "Faces of people with four photos and more, as photographed and spoiled as photos are, and things "
                "that the detector takes for a face. It keeps 17 numbers of a curve, and nothing of anybody's face."
            ),
            texts.ON_THESE_PHOTOS,
        ),
        licence=(OURS, FROM_RESEARCH),
        intended=(_("Choosing which faces groups and suggestions may rest on, and which photo of a person is shown."),),
        not_for=(_("Judging photos or people: it tells detail, light and grain, not beauty."), texts.NO_GUESSING),
        limits=(
            _("It was fitted with facenet-casia and is not fitted anew for other models."),
            _("Statues, drawings and posters are not in the data: a sharp face on a poster is a good face to it."),
            _("Profiles and children are rare in the data."),
        ),
        tables=quality_tables(),
        not_measured=(texts.NO_GROUPS_OF_PEOPLE,),
        sources=("docs/decisions/0013-quality.md", texts.LFW),
    )


def calibration() -> ModelCard:
    return ModelCard(
        key="calibration",
        title=_("Probability of a name"),
        model="",
        task=_(
            "Turns what speaks for a name into the probability that it is right. By it names are suggested, asked "
            "about, and given by Kith itself where you allow that."
        ),
        data=(
            _(
                "Half of the labelled people, in made-up libraries of known people and strangers. It keeps 11 numbers "
                "of a curve, and nothing of anybody's face. The distances for groups and suggestions were chosen on "
                "the same photos."
            ),
            _("From 50 confirmed faces on, it is fitted to your own answers too, held near the shipped numbers."),
            texts.ON_THESE_PHOTOS,
        ),
        licence=(OURS, FROM_RESEARCH),
        intended=(_("Ordering questions, and holding names that Kith gives by itself within the share you allow."),),
        not_for=(
            _("Saying how sure it is that somebody is in a photo, to anybody who was not asked: ask them."),
            texts.NO_PROOF,
        ),
        limits=(
            _("In the middle it promises too little or too much; the surest names are the ones it is best at."),
            texts.CHILDREN,
            _("In the first years of a child's life it is more cautious, by choice; that is not measured."),
            texts.FLATTERED,
        ),
        tables=calibration_tables(),
        not_measured=(texts.NO_GROUPS_OF_PEOPLE,),
        sources=("docs/decisions/0018-identification.md", "Platt: Probabilistic outputs for SVMs, 1999", texts.LFW),
    )


def projection() -> ModelCard:
    figures = measured()["projection"]
    return ModelCard(
        key="projection",
        title=_("The shorter numbers of a face"),
        model="",
        task=_("Makes 128 numbers of the network's 512, which search and grouping compare."),
        data=(
            _("None: it follows from the last layer of the network in use, and has seen no photo."),
            _("From 100 groups on, what all faces of your library share is taken away; that is worked out anew."),
        ),
        licence=(OURS, _("What it is computed from has the licence of the network it belongs to.")),
        intended=(texts.SORTING,),
        not_for=(texts.NO_PROOF, texts.NO_WATCHING),
        limits=(
            _("It is right for FaceNet. Of models that were plugged in, all numbers are kept instead."),
            _("What the network confuses, it confuses too."),
        ),
        tables=(
            verification_table(
                {_("The network's 512 numbers"): figures["raw"], _("The 128 numbers"): figures["projected"]}
            ),
        ),
        not_measured=(texts.NO_GROUPS_OF_PEOPLE,),
        sources=("docs/decisions/0002-projection-from-the-network.md",),
    )


OURS = _("Part of Kith, under its licence (MIT).")
FROM_RESEARCH = _(
    "The photos it was fitted to were collected for research and are not part of Kith; what is kept of them is a "
    "handful of numbers."
)
