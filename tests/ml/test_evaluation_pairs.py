"""Pairs of a file, and pairs made from labels."""

from pathlib import Path

import pytest

from ml.evaluation.labels import BadLabels, LabelledFace, LabelledFolder, LabelledPhoto, read_folder
from ml.evaluation.pairs import FaceName, made_pairs, read_pairs
from tests.pictures import drawing


def lfw(root, **photos):
    """A folder a person, with so many numbered photos."""
    for person, count in photos.items():
        (root / person).mkdir(parents=True)
        for number in range(1, count + 1):
            drawing(40, 30).save(root / person / f"{person}_{number:04d}.jpg")
    return root


def album(*faces_each):
    """Labelled photos of invented people."""
    return [
        LabelledPhoto(f"{person}/{number}.jpg", (LabelledFace(f"person {person}", None),), "name_only")
        for person, count in enumerate(faces_each)
        for number in range(count)
    ]


def test_view_2_of_lfw_says_the_folds(tmp_path):
    lfw(tmp_path, Ann_Lee=3, Bob=2)
    (tmp_path / "pairs.txt").write_text("2\t1\nAnn_Lee\t1\t3\nAnn_Lee\t1\tBob\t2\nBob\t1\t2\nBob\t2\tAnn_Lee\t2\n")

    _, pairs = read_pairs(read_folder(tmp_path), seed=0)

    assert [pair.fold for pair in pairs.pairs] == [0, 0, 1, 1]
    assert [pair.same for pair in pairs.pairs] == [True, False, True, False]
    assert pairs.pairs[1].first == FaceName("Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee")
    assert pairs.pairs[1].second == FaceName("Bob/Bob_0002.jpg", "Bob")
    assert pairs.source == "pairs.txt"
    assert pairs.folds == "as pairs.txt says"


def test_names_with_spaces_find_folders_with_underscores(tmp_path):
    lfw(tmp_path / "photos", Ann_Lee=2, Bob=1)
    (tmp_path / "pairs.txt").write_text("Ann Lee 1 2\nAnn Lee 2 Bob 1\n")

    _, pairs = read_pairs(read_folder(tmp_path), seed=0)

    assert [(pair.first.person, pair.second.person, pair.same) for pair in pairs.pairs] == [
        ("Ann_Lee", "Ann_Lee", True), ("Ann_Lee", "Bob", False),
    ]  # fmt: skip


def test_pairs_of_missing_photos_are_left_out_but_folds_stay(tmp_path):
    lfw(tmp_path, Ann=2, Bob=1)
    (tmp_path / "pairs.txt").write_text("2 1\nCid\t1\t2\nAnn\t1\tBob\t1\nAnn\t1\t2\nAnn\t2\tBob\t1\n")

    _, pairs = read_pairs(read_folder(tmp_path), seed=0)

    assert [pair.fold for pair in pairs.pairs] == [0, 1, 1]
    assert pairs.left_out == 1
    assert pairs.problems == ("Named in pairs.txt, but not in the folder (2): Cid 1, Cid 2.",)


def test_photos_that_only_the_pairs_name_are_labelled_by_them(tmp_path):
    lfw(tmp_path, Ann=2, Bob=1)
    (tmp_path / "labels.csv").write_text("file,person\nAnn/Ann_0001.jpg,Ann of Lee\n")
    (tmp_path / "pairs.txt").write_text("Ann 1 Bob 1\n")

    folder, pairs = read_pairs(read_folder(tmp_path), seed=0)

    assert pairs.pairs[0].first == FaceName("Ann/Ann_0001.jpg", "Ann of Lee")
    assert [photo.file for photo in folder.photos] == ["Ann/Ann_0001.jpg", "Bob/Bob_0001.jpg"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "holds no pairs"), ("10 300\n", "holds no pairs"), ("Ann 1\n", "pairs.txt, line 1: a pair is `name 1 2`")],
)
def test_bad_pairs_are_explained(tmp_path, text, message):
    lfw(tmp_path, Ann=1)
    (tmp_path / "pairs.txt").write_text(text)

    with pytest.raises(BadLabels, match=message):
        read_pairs(read_folder(tmp_path), seed=0)


def test_pairs_may_be_a_table_of_files(tmp_path):
    lfw(tmp_path, Ann=2, Bob=1)
    rows = "file1,file2,same\nAnn/Ann_0001.jpg,Ann/Ann_0002.jpg,1\nBob/Bob_0001.jpg,Ann/Ann_0002.jpg,0\nx.jpg,y.jpg,0\n"
    (tmp_path / "lfw_pairs.csv").write_text(rows)

    _, pairs = read_pairs(read_folder(tmp_path), seed=0)

    assert [pair.same for pair in pairs.pairs] == [True, False]
    assert pairs.left_out == 1
    assert "x.jpg, y.jpg" in pairs.problems[0]


def test_a_table_that_does_not_say_whether_is_explained(tmp_path):
    lfw(tmp_path, Ann=2)
    (tmp_path / "pairs.csv").write_text("file1,file2,same\nAnn/Ann_0001.jpg,Ann/Ann_0002.jpg,perhaps\n")

    with pytest.raises(BadLabels, match=r"pairs.csv, line 2: same should be 1 or 0, not 'perhaps'"):
        read_pairs(read_folder(tmp_path), seed=0)


def test_pairs_can_lie_elsewhere_and_be_made_all_the_same(tmp_path):
    lfw(tmp_path / "photos", Ann=2, Bob=1)
    (tmp_path / "mine.txt").write_text("Ann 1 2\n")
    folder = read_folder(tmp_path / "photos")

    assert len(read_pairs(folder, 0, tmp_path / "mine.txt")[1].pairs) == 1
    assert read_pairs(folder, 0, tmp_path / "mine.txt", from_labels=True)[1].source == "made from the labels"
    with pytest.raises(BadLabels, match="There is no file of pairs at"):
        read_pairs(folder, 0, tmp_path / "not.txt")


def test_a_table_is_shared_out_to_folds_by_people(tmp_path):
    lfw(tmp_path, **{f"Person{number}": 3 for number in range(20)})
    files = [(f"Person{n}/Person{n}_000{i}.jpg", f"Person{n}/Person{n}_000{j}.jpg") for n in range(20)
             for i, j in ((1, 2), (1, 3), (2, 3))]  # fmt: skip
    (tmp_path / "pairs.csv").write_text("file1,file2,same\n" + "".join(f"{a},{b},1\n" for a, b in files))

    _, pairs = read_pairs(read_folder(tmp_path), seed=0)

    assert people_are_in_one_fold(pairs)
    assert {pair.fold for pair in pairs.pairs} == set(range(10))


def test_made_pairs_are_balanced_and_share_nobody_between_folds():
    pairs = made_pairs(album(*[4] * 40, *[1] * 60), seed=1)

    assert sum(pair.same for pair in pairs.pairs) == sum(not pair.same for pair in pairs.pairs) == 240
    assert people_are_in_one_fold(pairs)
    assert len({pair.fold for pair in pairs.pairs}) == 10
    assert len(set(pairs.pairs)) == len(pairs.pairs)
    assert all((pair.first.person == pair.second.person) == pair.same for pair in pairs.pairs)


def test_nobody_with_many_photos_outweighs_the_others():
    pairs = made_pairs(album(*[100] * 10, *[3] * 190), seed=1)
    same = [pair.first.person for pair in pairs.pairs if pair.same]

    assert len(same) == 3000
    assert max(same.count(person) for person in set(same)) <= 300 - 19 * 3


def test_made_pairs_are_the_same_for_a_seed_and_others_for_another():
    photos = album(*[5] * 30)

    assert made_pairs(photos, seed=7) == made_pairs(photos, seed=7)
    assert made_pairs(photos, seed=7) != made_pairs(photos, seed=8)


@pytest.mark.parametrize(
    ("faces_each", "same", "different"), [((), 0, 0), ((1,), 0, 0), ((3,), 3, 0), ((1, 1), 0, 1), ((2, 1), 1, 1)]
)
def test_few_people_make_few_pairs(faces_each, same, different):
    pairs = made_pairs(album(*faces_each), seed=0).pairs

    assert (sum(pair.same for pair in pairs), sum(not pair.same for pair in pairs)) == (same, different)


def test_two_people_make_folds_at_random_with_both_kinds_in_each():
    pairs = made_pairs(album(8, 1), seed=0)

    assert pairs.folds == "10 at random: the people cannot be shared out"
    for fold in range(8):
        assert {pair.same for pair in pairs.pairs if pair.fold == fold} == {True, False}


def people_are_in_one_fold(pairs):
    folds = {}
    for pair in pairs.pairs:
        for face in (pair.first, pair.second):
            folds.setdefault(face.person, set()).add(pair.fold)
    return all(len(found) == 1 for found in folds.values())


def test_a_folder_needs_no_table_to_have_pairs():
    folder = LabelledFolder(Path("nowhere"), tuple(album(2, 2)))

    assert len(read_pairs(folder, 0)[1].pairs) == 4
