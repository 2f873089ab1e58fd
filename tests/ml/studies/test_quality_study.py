from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from ml.calibration import calibration_error
from ml.evaluation.labelled_faces import LabelledFaces
from ml.quality import FITTED
from ml.studies import probes as probes_module
from ml.studies.faceless import blotches, lettering
from ml.studies.probes import CLEAN, NO_FACE, Probes
from ml.studies.quality import run
from ml.studies.quality_model import (
    area_under_curve,
    by_probability,
    by_tenth,
    fit,
    held_out,
    recognise,
)
from tests.ml.synthetic import make_embeddings, make_labelled_faces
from tests.pictures import drawing, portraits

MEASURES = len(FITTED.measures)


def make_gallery(random, people: int = 4, faces_each: int = 5) -> LabelledFaces:
    return make_labelled_faces(*make_embeddings(random, [faces_each] * people))


def make_probes(projections, persons, *, files=None, measures=None) -> Probes:
    count = len(projections)
    return Probes(
        files=np.array(files or [f"probe {number}" for number in range(count)]),
        persons=np.array(persons),
        kinds=np.array([CLEAN if person else NO_FACE for person in persons]),
        measures=np.zeros((count, MEASURES)) if measures is None else measures,
        earlier=np.zeros(count),
        projections=np.asarray(projections, dtype=np.float32),
    )


def test_faces_like_their_person_are_recognised_and_others_are_not(random):
    gallery = make_gallery(random)
    axes = np.eye(64, dtype=np.float32)
    between = (axes[0] + axes[20]) / np.sqrt(2)
    probes = make_probes([axes[0], axes[1], between, axes[0]], ["person 000"] * 3 + [""], files=["a", "b", "c", "d"])

    became = recognise(probes, gallery, threshold=0.2)

    assert became.suggested.tolist() == pytest.approx([1, 0, 0, 0])
    assert became.nearest.tolist() == pytest.approx([1, 0, 1, 0])


def test_a_photo_is_not_recognised_by_itself(random):
    gallery = make_gallery(random, people=2, faces_each=4)
    odd = np.eye(64, dtype=np.float32)[40]
    gallery.projections[0] = odd
    probes = make_probes([odd], ["person 000"], files=["0.jpg"])

    assert recognise(probes, gallery, threshold=0.3).suggested.tolist() == [0]


def test_the_fit_finds_what_made_the_difference(random):
    measures = random.uniform(-1, 1, (4000, MEASURES))
    chance = 1 / (1 + np.exp(-(0.5 + 2 * measures[:, 0] - 1.5 * measures[:, 3] ** 2)))

    model = fit(measures, np.ones(4000, bool), (random.random(4000) < chance).astype(float))

    slopes = [measure.slope for measure in model.measures]
    bends = [measure.bend for measure in model.measures]
    assert slopes[0] == pytest.approx(2, abs=0.3)
    assert bends[3] == pytest.approx(-1.5, abs=0.4)
    assert max(abs(np.array(slopes[1:]))) < 0.4
    assert np.abs(model.probability(measures) - chance).mean() < 0.05


def test_held_out_quality_knows_nothing_of_the_person(random):
    # Each person has measures of their own, and chance alone decides who is recognised: nothing can be learnt.
    persons = [f"person {number}" for number in range(200) for _ in range(5)]
    measures = np.repeat(random.normal(size=(200, MEASURES)), 5, axis=0)
    wanted = np.repeat((random.random(200) < 0.5).astype(float), 5)
    probes = make_probes(np.zeros((1000, 2)), persons, measures=measures)

    quality = held_out(probes, wanted)

    assert abs(area_under_curve(quality, wanted > 0.5) - 0.5) < 0.1


def test_a_measure_left_out_tells_nothing(random):
    measures = random.normal(size=(600, MEASURES))
    wanted = (measures[:, 2] > 0).astype(float)
    probes = make_probes(np.zeros((600, 2)), [f"person {number}" for number in range(600)], measures=measures)

    assert area_under_curve(held_out(probes, wanted), wanted > 0.5) > 0.95
    assert area_under_curve(held_out(probes, wanted, (2,)), wanted > 0.5) < 0.65


def test_area_under_the_curve():
    score = np.array([0.1, 0.4, 0.4, 0.9])

    assert area_under_curve(score, np.array([False, False, True, True])) == pytest.approx(0.875)
    assert np.isnan(area_under_curve(score, np.ones(4, bool)))


def test_calibration_error_weighs_the_gaps_by_their_faces():
    probability = np.array([0.95, 0.95, 0.95, 1.0, 0.05])
    happened = np.array([1.0, 1.0, 1.0, 1.0, 1.0])

    assert calibration_error(probability, happened) == pytest.approx((0.15 + 0.95) / 5)


def test_bins_of_few_faces_say_nothing():
    probability, happened = np.array([0.05] * 30 + [0.95] * 5), np.array([0.0] * 20 + [1.0] * 15)

    lowest, *_, highest = by_probability(probability, happened)

    assert lowest == pytest.approx(1 / 3)
    assert np.isnan(highest)


def test_tenths_go_from_the_lowest_score():
    score = np.arange(100)[::-1] / 100

    tenths = by_tenth(score, (score >= 0.5).astype(float))

    assert [error for _, error in tenths] == [1] * 5 + [0] * 5
    assert tenths[0][0] == pytest.approx(0.045)


@pytest.mark.parametrize("draw", [lettering, blotches])
def test_pictures_without_faces_differ_by_chance_alone(draw):
    first, again, other = (np.asarray(draw(np.random.default_rng(seed))) for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == (480, 640, 3)


def test_probes_are_kept(tmp_path, random):
    probes = make_probes(random.normal(size=(3, 2)), ["ann", "", "bea"])

    probes.save(tmp_path / "probes.npz")
    loaded = Probes.load(tmp_path / "probes.npz")

    assert loaded.is_face.tolist() == [True, False, True]
    assert np.array_equal(loaded.projections, probes.projections)


@pytest.fixture
def labelled_folder(tmp_path, astronaut) -> Path:
    """Four photos each of two people, and one of nobody."""
    obama = Image.open(portraits() / "obama.jpg").convert("RGB")
    obama.thumbnail((600, 600))
    labels = []
    for person, photo in (("Eileen Collins", astronaut), ("Barack Obama", obama)):
        for number in range(4):
            name = f"{person} {number}.png"
            ImageEnhance.Brightness(photo).enhance(1 + number / 10).save(tmp_path / name)
            labels.append(f"{name},{person},,,,")
    drawing().save(tmp_path / "nobody.png")
    (tmp_path / "labels.csv").write_text("\n".join(["file,person,x,y,w,h", *labels]))
    (tmp_path / "photos.csv").write_text("file,box_status\nnobody.png,no_faces")
    return tmp_path


def test_the_study_writes_its_tables_and_plots(labelled_folder, models_dir, tmp_path, monkeypatch, capsys):
    for setting, value in {"LETTERINGS": 1, "BLOTCHES": 3, "WINDOWS": 200, "WINDOWS_IN_PHOTO": 100}.items():
        monkeypatch.setattr(probes_module, setting, value)
    output = tmp_path / "study"

    run(labelled_folder, models_dir, output)

    made = Probes.load(output / "probes.npz")
    assert set(made.persons) >= {"Eileen Collins", "Barack Obama"}
    assert (made.kinds == CLEAN).sum() == 8
    assert len(set(made.kinds)) > 6
    assert np.isfinite(made.measures).all()
    assert {path.name for path in output.glob("quality-*")} >= {"quality-tenths.svg", "quality-groups.csv"}
    printed = capsys.readouterr().out
    assert printed.count("Measure(") == MEASURES
    kept_before = (output / "probes.npz").stat().st_mtime_ns

    run(labelled_folder, models_dir, output)

    assert capsys.readouterr().out == printed
    assert (output / "probes.npz").stat().st_mtime_ns == kept_before
