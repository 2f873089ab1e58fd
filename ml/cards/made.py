"""Cards of models that come with an installation: plugged in, trained on its own photos, or learnt from answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.cards import texts
from ml.cards.card import Cell, ModelCard, Number, Percent, Row, Table
from ml.cards.card import gettext_noop as _
from ml.models import FaceModel


def plugged_in(model: FaceModel | None = None, *, is_measured: bool = False) -> ModelCard:
    """The card of an ONNX file: Kith knows next to nothing of it.

    Args:
        model: None for what can be said of any.
        is_measured: whether its distances were measured with this installation's photos.
    """
    known = () if model is None else (_what_is_known(model),)
    return ModelCard(
        key="plugged-in" if model is None else model.name,
        title=_("A model that was plugged in") if model is None else model.name,
        model="" if model is None else model.name,
        task=_("An ONNX file that whoever runs Kith gave it. It turns a face into numbers, in place of FaceNet."),
        data=(_("Not known to Kith. Ask whoever made the file."),),
        licence=(
            _(
                "Not known to Kith, and yours to check. Most published weights of the ArcFace kind are for research "
                "only; that of the program they come with says nothing about them."
            ),
        ),
        intended=(texts.SORTING,),
        not_for=(texts.NO_PROOF, texts.NO_WATCHING, texts.NO_GUESSING),
        limits=(
            _("Face quality and the probability of a name were fitted with facenet-casia and are carried over."),
            texts.CHILDREN,
            texts.RELATIVES,
            texts.OTHERS_FOUND,
        ),
        tables=known,
        not_measured=(
            _("How often it errs. manage.py evaluate FOLDER measures it on labelled photos of your own."),
            _("Its distances were measured here, with manage.py measure_model.")
            if is_measured
            else _("Its distances are those of its kind until manage.py measure_model has measured them."),
        ),
        sources=("docs/models.md", texts.NIST),
    )


def _what_is_known(model: FaceModel) -> Table:
    limits = model.limits()
    return Table(
        _("What Kith knows of it"),
        (_("What"), _("Figure")),
        (
            Row(_("Numbers of a face"), (Number(model.dimensions),)),
            Row(_("Pixels it looks at, on each side"), (Number(model.side),)),
            Row(_("Distance up to which two faces start a group"), (Number(limits.grouping, 3),)),
            Row(_("Distance up to which two groups are one person"), (Number(limits.linkage, 3),)),
            Row(_("Distance up to which a name is suggested"), (Number(limits.suggestion, 3),)),
        ),
    )


# By the place of a figure in what training wrote.
TRAINED_FIGURES = {
    "svm_accuracy": _("Photos kept back, given to the right person by a support vector machine"),
    "verification.accuracy": _("Pairs of people not trained on, told right"),
    "verification.tar_at_far_0.01": _("Pairs of one person accepted, where 1 in 100 pairs of strangers is"),
}
TRAINED_ON = {
    "people_trained_on": _("People trained on"),
    "faces_trained_on": _("Faces trained on"),
    "people_unseen": _("People kept for measuring"),
}


def trained(figures: Mapping[str, Any] | None = None, *, model: FaceModel | None = None) -> ModelCard:
    """The card of a model trained or fine-tuned with `manage.py train_embedder`.

    Args:
        figures: what its --json wrote; None for what can be said of any.
        model: where it was plugged in.
    """
    return ModelCard(
        key="trained" if model is None else model.name,
        title=_("A model trained here") if model is None else model.name,
        model="" if model is None else model.name,
        task=_(
            "Made with manage.py train_embedder from a folder of labelled photos, from nothing or from FaceNet's last "
            "block. It turns a face into numbers, in place of FaceNet."
        ),
        data=(
            _("The folder that whoever runs Kith gave it. Write down whose photos these are, and who agreed."),
            _("Where it began with FaceNet, FaceNet's training photos are in it as well."),
        ),
        licence=(_("As far as the photos allow, and what it began with. Kith cannot know."),),
        intended=(_("Photos like those it was trained on; for others it may well be worse than what it began with."),),
        not_for=(texts.NO_PROOF, texts.NO_WATCHING, texts.NO_GUESSING),
        limits=(
            _("A few hundred people teach a network far less than the ten thousand of FaceNet."),
            _("People in the folder may be recognised from the weights. Give them only to who may see the photos."),
            _("It is never put in use by itself: compare, then choose it with manage.py change_model."),
            texts.CHILDREN,
            texts.RELATIVES,
        ),
        tables=() if figures is None else (_before_and_after(figures), _trained_on(figures)),
        not_measured=(
            (_("The figures come with the model: train_embedder writes them with --json."), texts.NO_GROUPS_OF_PEOPLE)
            if figures is None
            else (texts.NO_GROUPS_OF_PEOPLE,)
        ),
        sources=("docs/training.md", texts.FACENET, "Hermans et al.: In Defense of the Triplet Loss, 2017"),
    )


def _before_and_after(figures: Mapping[str, Any]) -> Table:
    rows = [
        Row(label, (_percent(figures, f"{key}_untrained"), _percent(figures, key)))
        for key, label in TRAINED_FIGURES.items()
    ]
    return Table(_("Before and after"), (_("What"), _("Before training"), _("After training")), tuple(rows))


def _percent(figures: Mapping[str, Any], path: str) -> Cell:
    """The share at "verification.accuracy", in nested objects; None where there is none."""
    found: Any = figures
    for name in path.split(".", 1):
        found = found.get(name) if isinstance(found, Mapping) else None
    return Percent(float(found)) if isinstance(found, int | float) else None


def _trained_on(figures: Mapping[str, Any]) -> Table:
    counts, settings = figures.get("counts", {}), figures.get("settings", {})
    rows = [Row(label, (Number(counts[name]),)) for name, label in TRAINED_ON.items() if name in counts]
    if "backbone" in settings:
        rows.append(Row(_("Network"), (str(settings["backbone"]),)))
    if "pretrained" in settings:
        rows.append(Row(_("Began with"), (str(settings["pretrained"]) or _("random numbers"),)))
    return Table(_("What it was trained on"), (_("What"), _("Figure")), tuple(rows))


def own_projection(figures: Mapping[str, Any] | None = None) -> ModelCard:
    """The card of the projection that a library learnt from its owner's answers.

    Args:
        figures: as `ml.own_projection.figures_of` gives them; None for what can be said of any.
    """
    return ModelCard(
        key="own-projection",
        title=_("What your library learnt"),
        model="",
        task=_(
            "Shorter numbers of a face, fitted to the people of one library. Names are suggested by them where they "
            "are better; groups are not changed."
        ),
        data=(_("The answers of one owner: faces confirmed, and names said no to. Nobody else's."),),
        licence=(_("Yours. It stays on this machine, and is deleted with your face data."),),
        intended=(_("Telling apart the people of your own library, relatives above all."),),
        not_for=(_("Any other library: it knows these people and no others."), texts.NO_PROOF, texts.NO_WATCHING),
        limits=(
            _("Wrong names that you confirmed teach it wrong things."),
            _("Somebody new is unknown to it until it is learnt again."),
            _("It is put in use only where it is better on faces it was not fitted to, by more than chance."),
        ),
        tables=() if figures is None else (_own_table(figures),),
        not_measured=(
            (_("The figures are those of your library, once there are enough answers."), texts.NO_GROUPS_OF_PEOPLE)
            if figures is None
            else (texts.NO_GROUPS_OF_PEOPLE,)
        ),
        sources=("docs/training.md", texts.FACENET),
    )


def _own_table(figures: Mapping[str, Any]) -> Table:
    base, own = figures["base"], figures["own"]
    return Table(
        _("On faces it was not fitted to"),
        (_("What"), _("As shipped"), _("Learnt")),
        (
            Row(_("Right name, where 1 in 100 strangers gets one"), (Percent(base["tpir"]), Percent(own["tpir"]))),
            Row(
                _("Probabilities wrong by"),
                (Number(base["calibration_error"], 3), Number(own["calibration_error"], 3)),
            ),
            Row(_("Faces it was fitted to"), (None, Number(figures["faces"]))),
            Row(_("People it was fitted to"), (None, Number(figures["people"]))),
        ),
    )
