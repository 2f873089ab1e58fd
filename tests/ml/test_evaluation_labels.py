"""Labels as people write them, and what is said when they cannot be used."""

import unicodedata

import pytest

from ml.evaluation.labels import BadLabels, LabelledFace, read_folder
from tests.pictures import drawing


def photo(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        drawing(40, 30).save(root / name, "JPEG")


def labels(root, text, name="labels.csv", encoding="utf-8"):
    (root / name).write_text(text, encoding=encoding)


def by_file(root):
    return {photo.file: photo for photo in read_folder(root).photos}


def test_rows_become_faces_of_photos(tmp_path):
    photo(tmp_path, "a/party.jpg", "b.jpg")
    labels(tmp_path, "file,person,x,y,w,h\na/party.jpg,Ann,1,2,3,4\na/party.jpg,_unknown,5,6,7,8\nb.jpg,Bob Ray,,,,\n")

    photos = by_file(tmp_path)

    assert photos["a/party.jpg"].faces == (LabelledFace("Ann", (1, 2, 3, 4)), LabelledFace(None, (5, 6, 7, 8)))
    assert photos["a/party.jpg"].status == "complete"
    assert photos["b.jpg"].faces == (LabelledFace("Bob Ray", None),)
    assert photos["b.jpg"].status == "name_only"


@pytest.mark.parametrize(
    "text",
    [
        "person,h,w,y,x,file\nAnn,4,3,2,1,a.jpg\n",
        "\ufefffile,person,x,y,w,h\na.jpg,Ann,1,2,3,4\n",
        "file;person;x;y;w;h\na.jpg;Ann;1;2;3;4\n",
        "File , Person, X,Y,W,H, note\n a.jpg , Ann , 1,2,3,4, blurred\n\n",
        "file,person,x,y,w,h\n.\\a.jpg,Ann,1,2,3,4\n",
        "file,person,x,y,w,h\nA.JPG,Ann,1,2,3,4\na.jpg,Ann,1,2,3,4\n",
    ],
)
def test_tables_are_read_however_they_are_written(tmp_path, text):
    photo(tmp_path, "a.jpg")
    labels(tmp_path, text)

    assert by_file(tmp_path)["a.jpg"].faces == (LabelledFace("Ann", (1, 2, 3, 4)),)


def test_a_name_is_one_name_however_its_accents_are_stored(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "José Ramón") for form in ("NFC", "NFD"))
    photo(tmp_path, f"{composed}.jpg", "b.jpg")
    labels(tmp_path, f"file,person\n{decomposed}.jpg,{composed}\nb.jpg,{decomposed}\n")

    assert {face.person for one in read_folder(tmp_path).photos for face in one.faces} == {composed}
    assert len(read_folder(tmp_path).photos) == 2


def test_photos_csv_says_how_far_boxes_can_be_trusted(tmp_path):
    photo(tmp_path, "a.jpg", "b.jpg", "dog.jpg")
    labels(tmp_path, "file,person,x,y,w,h\na.jpg,Ann,1,2,3,4\nb.jpg,Bob,1,2,3,4\n")
    labels(tmp_path, "box_status,file\npartial,a.jpg\nno_faces,dog.jpg\n", name="photos.csv")

    statuses = {file: one.status for file, one in by_file(tmp_path).items()}

    assert statuses == {"a.jpg": "partial", "b.jpg": "complete", "dog.jpg": "no_faces"}


def test_a_photo_with_a_box_and_a_name_without_one_is_partly_boxed(tmp_path):
    photo(tmp_path, "a.jpg")
    labels(tmp_path, "file,person,x,y,w,h\na.jpg,Ann,1,2,3,4\na.jpg,Bob,,,,\n")

    assert by_file(tmp_path)["a.jpg"].status == "partial"


def test_a_label_may_name_a_file_with_any_ending(tmp_path):
    photo(tmp_path, "scan.jfif")
    labels(tmp_path, "file,person\nscan.jfif,Ann\n")

    assert list(by_file(tmp_path)) == ["scan.jfif"]


def test_missing_files_are_listed(tmp_path):
    photo(tmp_path, "a.jpg")
    labels(tmp_path, "file,person\na.jpg,Ann\ngone.jpg,Ann\nalso/gone.jpg,Bob\n../a.jpg,Ann\n")

    folder = read_folder(tmp_path)

    assert [one.file for one in folder.photos] == ["a.jpg"]
    assert folder.problems == ("Labelled, but not in the folder (3): gone.jpg, also/gone.jpg, ../a.jpg.",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks the columns file and person; it has nothing"),
        ("name,image\nAnn,a.jpg\n", "lacks the columns file and person; it has name, image"),
        ("file,who\na.jpg,Ann\n", "lacks the column person"),
        ("file,person,x,y,w,h\na.jpg,Ann,1,2,wide,4\n", "line 2: w should be a number of pixels, not 'wide'"),
        ("file,person,x,y,w,h\na.jpg,Ann,1,2,nan,4\n", "line 2: w should be a number of pixels, not 'nan'"),
        ("file,person,x,y,w,h\na.jpg,Ann,1,2,0,4\n", "line 2: a box needs a width and height above 0, not 0 x 4"),
        ("file,person,x,y,w,h\n\na.jpg,Ann,1,2,,\n", "line 3: a box needs x, y, w and h; only x and y is given"),
        ("file,person\ngone.jpg,Ann\n", r"names no photo that is there. .* \(1\): gone.jpg"),
        ("file,person\n", "names no photo that is there"),
    ],
)
def test_labels_that_make_no_sense_are_explained(tmp_path, text, message):
    photo(tmp_path, "a.jpg")
    labels(tmp_path, text)

    with pytest.raises(BadLabels, match=message):
        read_folder(tmp_path)


def test_other_encodings_are_explained(tmp_path):
    photo(tmp_path, "a.jpg")
    labels(tmp_path, "file,person\na.jpg,Zoë\n", encoding="utf-16")

    with pytest.raises(BadLabels, match=r"labels.csv is not a text file in UTF-8"):
        read_folder(tmp_path)


def test_an_odd_box_status_is_explained(tmp_path):
    photo(tmp_path, "a.jpg")
    labels(tmp_path, "file,person\na.jpg,Ann\n")
    labels(tmp_path, "file,box_status\na.jpg,done\n", name="photos.csv")

    with pytest.raises(
        BadLabels, match=r"photos.csv, line 2: box_status is 'done', which is none of complete, partial"
    ):
        read_folder(tmp_path)


def test_without_labels_the_innermost_folder_is_the_person(tmp_path):
    photo(tmp_path, "lfw/Ann_Lee/1.JPG", "lfw/Ann_Lee/2.jpeg", "Émile Zola/x.PNG", "nobody.jpg")
    (tmp_path / "Émile Zola" / "notes.txt").write_text("not a photo")
    photo(tmp_path, ".thumbs/a.jpg", "__MACOSX/Ann_Lee/1.jpg")

    folder = read_folder(tmp_path)

    assert {one.file: one.faces[0].person for one in folder.photos} == {
        "lfw/Ann_Lee/1.JPG": "Ann_Lee", "lfw/Ann_Lee/2.jpeg": "Ann_Lee", "Émile Zola/x.PNG": "Émile Zola",
    }  # fmt: skip
    assert folder.problems == ("In no person's folder, and left out: nobody.jpg.",)


def test_a_folder_without_photos_is_explained(tmp_path):
    with pytest.raises(BadLabels, match="There are no photos in"):
        read_folder(tmp_path)
    with pytest.raises(BadLabels, match="is not a folder"):
        read_folder(tmp_path / "nowhere")


def test_loose_photos_are_nobodys(tmp_path):
    photo(tmp_path, "a.jpg")

    with pytest.raises(BadLabels, match=r"neither a labels.csv nor a folder for each person"):
        read_folder(tmp_path)


def test_in_the_layout_of_imfdb_the_folder_of_the_actor_is_the_person(tmp_path):
    photo(tmp_path, "Ann/First Film/images/1.jpg", "Ann/Second Film/images/1.jpg", "Bea/images/1.jpg", "images/1.jpg")

    people = {file: one.faces[0].person for file, one in by_file(tmp_path).items()}

    assert people == {
        "Ann/First Film/images/1.jpg": "Ann",
        "Ann/Second Film/images/1.jpg": "Ann",
        "Bea/images/1.jpg": "images",
        "images/1.jpg": "images",
    }
