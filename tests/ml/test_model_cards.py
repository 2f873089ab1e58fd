"""The model cards: complete, made of figures, and honest about what is not known."""

import json

import pytest

from ml.cards import every, made, texts
from ml.cards.card import ModelCard, Number, Percent, Row, Table
from ml.cards.measured import MEASURED
from ml.cards.tables import group_row
from ml.checked_files import WeightsUnavailable
from ml.evaluation.share import Share
from ml.models import MODELS, describe, find_model, make_plugged_in

CARDS = (*every.built_in(), *every.of_any())
MEASURED_CARDS = [card for card in every.built_in() if card.key != "facenet-vggface2"]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.key)
def test_a_card_says_everything_a_card_has_to_say(card: ModelCard):
    for part in (card.title, card.task, card.data, card.licence, card.intended, card.not_for, card.limits):
        assert part
    assert card.sources
    assert card.tables or card.not_measured


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.key)
def test_a_card_says_that_errors_by_age_sex_and_skin_are_not_measured(card: ModelCard):
    assert texts.NO_GROUPS_OF_PEOPLE in card.not_measured or card.key == "plugged-in"


def test_every_face_model_has_a_card():
    assert {card.model for card in every.built_in()} >= MODELS.keys()


def test_keys_are_for_links():
    keys = [card.key for card in CARDS]

    assert len(set(keys)) == len(keys)
    assert all(key.replace("-", "").isalnum() for key in keys)


@pytest.mark.parametrize("card", MEASURED_CARDS, ids=lambda card: card.key)
def test_measured_cards_have_their_figures(card: ModelCard):
    cells = [cell for table in card.tables for row in table.rows for cell in row.cells]

    assert any(isinstance(cell, Share | Percent) for cell in cells)


def test_what_was_measured_is_what_the_labels_can_tell():
    figures = json.loads(MEASURED.read_text())

    assert set(figures["facenet-casia"]["identification"]) == {"all", "part", "side", "quality", "photos"}
    assert figures["data"]["people"] > 1000


@pytest.mark.parametrize(
    ("by", "name", "label", "values"),
    [
        ("all", "all", "All", {}),
        ("side", "under 80", "Face smaller than %(high)s pixels", {"low": None, "high": Number(80)}),
        ("side", "80 to 120", "Face of %(low)s to %(high)s pixels", {"low": Number(80), "high": Number(120)}),
        ("photos", "2 to 3", "Person with %(low)s photos", {"low": Number(2), "high": Number(2)}),
        ("photos", "3 to 5", "Person with %(low)s to %(high)s photos", {"low": Number(3), "high": Number(4)}),
        ("quality", "0.9 and more", "Quality %(low)s and more", {"low": Number(0.9, 2), "high": None}),
        ("probability", "0.7 to 0.9", "Said to be %(low)s to %(high)s sure", {"low": Percent(0.7), "high": Percent(0.9)}),  # noqa: E501
        ("part", "album/groups", "Group photos", {}),
    ],
)  # fmt: skip
def test_a_group_is_said_in_words(by, name, label, values):
    row = group_row(by, name, Number(1))

    assert (row.label, row.values) == (label, values)


def test_rows_have_a_cell_for_each_column():
    with pytest.raises(ValueError, match="each row must have 2 cells"):
        Table("Errors", ("Group", "Right", "Wrong"), (Row("All", (Number(1),)),))


# Of one installation


def plug_in(models_dir, name="mine-1a2b3c4d"):
    model = make_plugged_in(name, description="Mine", crop="landmarks", side=112, dimensions=256, faces_at_once=1)
    describe(models_dir, model)
    return find_model(models_dir, name)


def test_a_plugged_in_model_has_a_card_that_says_how_little_is_known(tmp_path):
    plug_in(tmp_path)

    [card] = every.of_files(tmp_path)

    assert (card.title, card.model) == ("mine-1a2b3c4d", "mine-1a2b3c4d")
    assert card.data == made.plugged_in().data
    assert Row("Numbers of a face", (Number(256),)) in card.tables[0].rows
    assert "Its distances are those of its kind until manage.py measure_model has measured them." in card.not_measured


def test_a_card_says_that_distances_were_measured_here(tmp_path):
    plug_in(tmp_path)
    distances = {"grouping": 0.4, "linkage": 0.45, "suggestion": 0.41}
    (tmp_path / "mine-1a2b3c4d.thresholds.json").write_text(json.dumps(distances))

    [card] = every.of_files(tmp_path)

    assert Row("Distance up to which a name is suggested", (Number(0.41, 3),)) in card.tables[0].rows
    assert "Its distances were measured here, with manage.py measure_model." in card.not_measured


def test_a_trained_model_has_its_figures(tmp_path):
    model = plug_in(tmp_path)
    figures = {
        "svm_accuracy": 0.8,
        "svm_accuracy_untrained": 0.3,
        "verification": {"accuracy": 0.9, "accuracy_untrained": 0.6, "tar_at_far_0.01": 0.5},
        "counts": {"people_trained_on": 40, "faces_trained_on": 300},
        "settings": {"backbone": "small", "pretrained": ""},
    }
    every.figures_path(tmp_path, model.name).write_text(json.dumps(figures))

    [card] = every.of_files(tmp_path)

    assert card.data == made.trained().data
    before_and_after, trained_on = card.tables
    assert [row.cells for row in before_and_after.rows] == [
        (Percent(0.3), Percent(0.8)),
        (Percent(0.6), Percent(0.9)),
        (None, Percent(0.5)),
    ]
    assert [row.cells for row in trained_on.rows] == [(Number(40),), (Number(300),), ("small",), ("random numbers",)]


def test_what_training_did_not_measure_is_not_made_up():
    table, trained_on = made.trained({"svm_accuracy": 0.8, "verification": {"accuracy": None}}).tables

    assert [row.cells for row in table.rows] == [(None, Percent(0.8)), (None, None), (None, None)]
    assert trained_on.rows == ()


def test_figures_that_cannot_be_read_make_a_model_one_that_was_plugged_in(tmp_path):
    model = plug_in(tmp_path)
    every.figures_path(tmp_path, model.name).write_text("[")

    [card] = every.of_files(tmp_path)

    assert card.data == made.plugged_in().data


def test_a_damaged_description_leaves_the_other_cards(tmp_path):
    plug_in(tmp_path)
    (tmp_path / "broken-1.model.json").write_text("{}")
    with pytest.raises(WeightsUnavailable):
        find_model(tmp_path, "broken-1")

    assert [card.model for card in every.of_files(tmp_path)] == ["mine-1a2b3c4d"]


def test_a_library_has_a_card_of_what_it_learnt():
    measured = {"tpir": 0.9, "tpir_error": 0.01, "calibration_error": 0.02}
    figures = {"base": measured | {"tpir": 0.8}, "own": measured, "faces": 700, "people": 30}

    [table] = made.own_projection(figures).tables

    assert table.rows[0].cells == (Percent(0.8), Percent(0.9))
    assert table.rows[2].cells == (None, Number(700))
