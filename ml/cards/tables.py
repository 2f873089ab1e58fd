"""The tables of the cards, made of what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.cards.card import Number, Percent, Row, Table
from ml.cards.card import gettext_noop as _
from ml.cards.measured import measured, share
from ml.models import CASIA

PARTS = {
    "people": _("Labeled Faces in the Wild, press photos"),
    "album/bbt": _("A television series, small pictures of faces"),
    "album/celebs": _("Celebrities, photos from the web"),
    "album/groups": _("Group photos"),
    "album": _("Album: the series, celebrities and group photos"),
    "detection": _("Photos with hand-drawn boxes"),
    "no face": _("Things that are no face"),
}
# Of whom a band is: below, between (low, and up to but not high), and from a number on; of whole numbers also just one.
BANDS = {
    "side": (_("Face smaller than %(high)s pixels"), _("Face of %(low)s to %(high)s pixels"),
             _("Face of %(low)s pixels and more"), ""),
    "in_photo": (_("Alone in the photo"), _("One of %(low)s to %(high)s in the photo"),
                 _("One of %(low)s and more in the photo"), _("One of %(low)s in the photo")),
    "quality": (_("Quality below %(high)s"), _("Quality %(low)s to %(high)s"), _("Quality %(low)s and more"), ""),
    "photos": (_("Person with one photo"), _("Person with %(low)s to %(high)s photos"),
               _("Person with %(low)s photos and more"), _("Person with %(low)s photos")),
    "probability": (_("Said to be less than %(high)s sure"), _("Said to be %(low)s to %(high)s sure"),
                    _("Said to be %(low)s sure and more"), ""),
}  # fmt: skip
WHOLE = {"in_photo", "photos"}
SPOILED = {
    "as photographed": _("As photographed"),
    "blurred": _("Blurred"),
    "compressed": _("Compressed"),
    "covered": _("Covered"),
    "dark": _("Dark"),
    "enlarged": _("Enlarged"),
    "faded": _("Faded"),
    "grainy": _("Grainy"),
    "overexposed": _("Overexposed"),
    "shaken": _("Shaken"),
    "shrunk": _("Shrunk"),
    "tilted": _("Tilted"),
}
ALL = _("All")


def group_row(by: str, name: str, *cells: Any) -> Row:
    """The row of one group: "side", "80 to 120"."""
    if by == "all":
        return Row(ALL, cells)
    known = PARTS | SPOILED
    if name in known:
        return Row(known[name], cells)
    below, between, above, single = BANDS[by]
    low, high = _edges(name)
    if low is None or high is None:
        return Row(below if low is None else above, cells, {"low": _figure(by, low), "high": _figure(by, high)})
    if by in WHOLE:
        high -= 1
    return Row(single if high == low else between, cells, {"low": _figure(by, low), "high": _figure(by, high)})


def _edges(name: str) -> tuple[float | None, float | None]:
    words = name.split()
    if words[0] == "under":
        return None, float(words[1])
    return float(words[0]), None if words[1] == "and" else float(words[2])


def _figure(by: str, edge: float | None) -> Number | Percent | None:
    if edge is None:
        return None
    return Percent(edge) if by == "probability" else Number(edge, 0 if edge == int(edge) else 2)


def detection_tables() -> tuple[Table, ...]:
    figures = measured()["mtcnn"]
    recall = figures["recall"]
    rows = [
        group_row(by, name, Number(found["trials"]), share(found))
        for by in ("all", "side", "in_photo")
        for name, found in recall[by].items()
    ]
    named = [group_row("part", part, Number(found["trials"]), share(found)) for part, found in figures["named"].items()]
    false = Row(
        _("What it finds that is a face, in photos in which every face is known"),
        (Number(figures["known_photos"]), Percent(figures["precision"])),
    )
    return (
        Table(
            _("Faces drawn by hand"),
            (_("Group"), _("Faces"), _("Found")),
            tuple(rows),
            _("In brackets: where the share lies with 95 % certainty, if each photo counts once."),
        ),
        Table(_("Faces with a name, found or not"), (_("Group"), _("Faces"), _("Found")), tuple(named)),
        Table(_("False faces"), (_("What"), _("Photos"), _("Share")), (false,)),
    )


def identification_table() -> Table:
    figures = measured()[CASIA]["identification"]
    rows = [
        group_row(
            by,
            name,
            share(found["named"]) if found["named"]["trials"] else None,
            share(found["misnamed"]) if found["misnamed"]["trials"] else None,
            share(found["strangers"]) if found["strangers"]["trials"] else None,
        )
        for by in ("all", "part", "side", "quality", "photos")
        for name, found in figures[by].items()
        if found["named"]["trials"] or found["strangers"]["trials"]
    ]
    return Table(
        _("Names by the nearest known face, where 1 in 100 faces of strangers gets one"),
        (_("Group"), _("Right name"), _("Wrong name"), _("Strangers who get a name")),
        tuple(rows),
        _(
            "Half of the people are known by three faces each at most, ten times at random; the others are strangers. "
            "Who gets neither a right name nor a wrong one gets none. In brackets: where the share lies with 95 % "
            "certainty, if each person counts once."
        ),
    )


def verification_table(ways: Mapping[str, Mapping[str, Any]]) -> Table:
    """Pairs told apart; ways: by the column's title, the figures."""
    told = {
        "accuracy": _("Pairs told right, as one person or two"),
        "tar_at_far_0.01": _("Pairs of one person accepted, where 1 in 100 pairs of strangers is"),
        "tar_at_far_0.001": _("Pairs of one person accepted, where 1 in 1,000 pairs of strangers is"),
    }
    return Table(
        _("Pairs of faces"),
        (_("What"), *ways),
        (
            *(Row(label, tuple(Percent(way[key]) for way in ways.values())) for key, label in told.items()),
            Row(_("Pairs"), tuple(Number(way["pairs"]) for way in ways.values())),
        ),
        _("Made of the labels, as many of one person as of two."),
    )


def quality_tables() -> tuple[Table, ...]:
    figures = measured()["quality"]

    def rows(by: str) -> list[Row]:
        return [
            group_row(
                by,
                name,
                Number(one["faces"]),
                Percent(one["recognised"]),
                Percent(one["mean"]),
                None if one["auc"] is None else Number(one["auc"], 3),
                Number(one["calibration_error"], 3),
            )
            for name, one in figures[by].items()
            if name != "no face" or by == "part"
        ]

    columns = (
        _("Group"), _("Faces"), _("Recognised"), _("Mean quality"), _("Tells them apart"), _("Promises wrong by")
    )  # fmt: skip
    note = _(
        "Recognised: its right name would be suggested. Tells them apart: how often, of a face that is recognised and "
        "one that is not, the former has the higher quality; 0.5 is a coin. Promises wrong by: how far quality lies "
        "from the share that is recognised, on average. Always by a model that has not seen the person."
    )
    return (
        Table(_("Quality by part of the data"), columns, tuple(rows("all") + rows("part")), note),
        Table(_("Quality by what was done to the photo"), columns, tuple(rows("kind")), note),
    )


def calibration_tables() -> tuple[Table, ...]:
    figures = measured()["calibration"]
    promised = [
        group_row("probability", band, Number(one["faces"]), Percent(one["mean"]), Percent(one["right"]))
        for band, one in figures["probability"].items()
    ]
    by_known = {"1": _("One face known of each person"), "3": _("Three"), "10": _("Ten")}
    known = [
        Row(label, (Number(one["faces"]), Percent(one["tpir"]), Number(one["calibration_error"], 3)))
        for label, one in [(ALL, figures["all"]), *((by_known[key], one) for key, one in figures["confirmed"].items())]
    ]
    return (
        Table(
            _("What a probability promises, and what is right"),
            (_("Likeliest name of a face"), _("Faces"), _("Promised"), _("Right")),
            tuple(promised),
            _("People that the curve was not fitted to, half of their faces those of strangers."),
        ),
        Table(
            _("By how many faces are known"),
            (_("Group"), _("Faces"), _("Right name, where 1 in 100 strangers gets one"), _("Promises wrong by")),
            tuple(known),
        ),
    )
