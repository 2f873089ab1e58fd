"""The page "Who is this?" over HTTP: the gate, the limits, and that nothing is kept."""

import json
from dataclasses import asdict

import pytest
from django.apps import apps
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import User
from ml.geometry import BoundingBox
from people import inquiry, tasks, turns
from people.inquiry import Answer, SeenFace, reply
from people.inquiry import client as redis_client
from people.recognising import UNREADABLE
from people.views import recognise
from photos.uploading import IncomingFile, incoming_folder, lent_file
from tests.factories import make_face, make_person, make_photo, make_user
from tests.pictures import drawing, encoded
from tests.services import ROOT

URL = "/recognise/"
BOX = BoundingBox(0.1, 0.2, 0.3, 0.4)


@pytest.fixture(autouse=True)
def _weights_are_there(monkeypatch):
    monkeypatch.setattr(inquiry, "missing_weights_notice", lambda: "")
    monkeypatch.setattr(recognise, "missing_weights_notice", lambda: "")


@pytest.fixture(autouse=True)
def _no_turns_yet():
    for key in redis_client().keys("kith:turn*"):
        redis_client().delete(key)


@pytest.fixture
def ann(alice):
    ann = make_person(alice, "Ann")
    make_face(make_photo(alice), person=ann)
    return ann


@pytest.fixture
def worker(monkeypatch):
    """Answers questions as the ML worker does, over the real Valkey; notes what it was asked."""

    class Worker:
        asked: list[tuple] = []
        answer = Answer(width=640, height=480)
        is_running = True

        def take(self, arguments, **options):
            self.asked.append((arguments, options))
            assert lent_file(arguments[0]).exists()
            if self.is_running:
                reply(arguments[0], self.answer)

    worker = Worker()
    worker.asked = []
    monkeypatch.setattr(tasks.recognise, "apply_async", worker.take)
    return worker


def picture(content: bytes | None = None, name: str = "IMG_1.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, encoded(drawing()) if content is None else content)


def show(client, file: SimpleUploadedFile | None = None, **headers):
    headers = {"accept": "application/json"} | headers
    return client.post(URL, {"picture": file or picture()}, headers=headers)


def rows_everywhere() -> dict[str, int]:
    ours = [m for m in apps.get_models() if m._meta.label != "sessions.Session"]
    return {model._meta.label: model._default_manager.count() for model in ours}


def test_faces_are_answered_with_names_and_probabilities(signed_in, ann, worker):
    faces = (SeenFace(BOX, ann.pk, 0.973), SeenFace(BOX, None, 0.0))
    worker.answer = Answer(width=640, height=480, faces=faces)

    answer = show(signed_in).json()

    assert answer["sentence"] == "2 faces: Ann and one you have not named."
    assert "97% sure" in answer["rows"] and ann.get_absolute_url() in answer["rows"]
    assert 'x="10.00%"' in answer["boxes"] and 'class="box unknown"' in answer["boxes"]
    assert "style=" not in answer["boxes"] + answer["rows"]


def test_an_unsure_name_is_said_as_a_guess(signed_in, ann, worker):
    worker.answer = Answer(faces=(SeenFace(BOX, ann.pk, 0.62),))

    answer = show(signed_in).json()

    assert answer["sentence"] == "1 face: perhaps Ann."
    assert "Ann?" in answer["boxes"] and 'class="box ask"' in answer["boxes"]


def test_a_probability_is_never_a_hundred_percent(signed_in, ann, worker):
    worker.answer = Answer(faces=(SeenFace(BOX, ann.pk, 0.9999),))

    assert "99% sure" in show(signed_in).json()["rows"]


def test_the_name_of_somebody_hidden_is_not_shown(signed_in, ann, worker):
    ann.is_hidden = True
    ann.save()
    worker.answer = Answer(faces=(SeenFace(BOX, ann.pk, 0.97),))

    answer = show(signed_in).json()

    assert answer["sentence"] == "1 face: one you have hidden."
    assert "Ann" not in json.dumps(answer)


def test_people_of_somebody_else_are_not_named_even_if_the_answer_says_so(signed_in, bob, worker):
    stranger = make_person(bob, "Zebulon")
    worker.answer = Answer(faces=(SeenFace(BOX, stranger.pk, 0.97),))

    answer = show(signed_in).json()

    assert answer["sentence"] == "1 face: no one you have named."
    assert "Zebulon" not in json.dumps(answer)


def test_a_name_cannot_bring_markup(signed_in, ann, worker):
    ann.name = "<img src=x onerror=alert(1)>"
    ann.save()
    worker.answer = Answer(faces=(SeenFace(BOX, ann.pk, 0.97),))

    answer = show(signed_in).json()

    assert "<img src=x" not in answer["boxes"] + answer["rows"]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ("", "No face found in this picture."),
        ("nn", "2 faces: no one you have named."),
        ("ap", "2 faces: Ann and perhaps Bob."),
        ("apn", "3 faces: Ann, perhaps Bob and one you have not named."),
        ("ahhnn", "5 faces: Ann, 2 you have hidden and 2 you have not named."),
    ],
)
def test_the_sentence_counts_and_names(alice, kinds, expected):
    ann, bob = make_person(alice, "Ann"), make_person(alice, "Bob")
    shown = {
        "a": recognise.ShownFace("a", BOX, ann, is_sure=True),
        "p": recognise.ShownFace("p", BOX, bob),
        "h": recognise.ShownFace("h", BOX, is_hidden=True),
        "n": recognise.ShownFace("n", BOX),
    }

    assert recognise.sentence([shown[kind] for kind in kinds]) == expected


def test_while_the_model_changes_it_is_said_that_some_people_are_not_known(signed_in, alice, bob, ann, worker):
    make_face(make_photo(bob), model="another-model")  # somebody else's do not matter
    worker.answer = Answer(faces=(SeenFace(BOX, None, 0.0),))
    assert show(signed_in).json()["sentence"] == "1 face: no one you have named."

    make_face(make_photo(alice), model="another-model")

    sentence = "1 face: no one you have named. Kith is changing its model; some people are not known again yet."
    assert show(signed_in).json()["sentence"] == sentence
    assert sentence in signed_in.post(URL, {"picture": picture()}).content.decode()
    worker.answer = Answer(faces=(SeenFace(BOX, ann.pk, 0.97),))
    assert show(signed_in).json()["sentence"] == "1 face: Ann."  # nobody is missing


def test_nothing_is_stored(signed_in, ann, worker):
    worker.answer = Answer(faces=(SeenFace(BOX, ann.pk, 0.97),))
    signed_in.get(URL)
    keys, rows = set(redis_client().keys("*")), rows_everywhere()
    media = {path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()}

    assert show(signed_in).status_code == 200

    assert rows_everywhere() == rows
    assert {path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()} == media
    [counter] = set(redis_client().keys("*")) - keys
    assert counter.startswith(b"kith:turns:")
    assert 0 < redis_client().ttl(counter) <= 60


def test_the_question_holds_a_name_and_no_picture_and_does_not_wait_for_ever(signed_in, alice, worker):
    show(signed_in)

    [((name, owner, with_alike), options)] = worker.asked
    assert (len(name), owner, with_alike) == (32, alice.pk, False)
    assert options["expires"] == inquiry.WAIT_SECONDS


def test_a_picture_may_ask_whom_of_the_library_its_faces_look_like(signed_in, alice, worker):
    face = make_face(make_photo(alice))
    worker.answer = Answer(width=640, height=480, faces=(SeenFace(BOX, None, 0.0, (face.pk,)),))

    answer = signed_in.post(URL, {"picture": picture(), "alike": "1"}, headers={"accept": "application/json"})

    assert worker.asked[0][0][2] is True
    assert f"/faces/alike/?faces={face.pk}" in answer.json()["rows"]


def test_pictures_that_are_shown_overtake_the_photos_of_a_library():
    routes = settings.CELERY_TASK_ROUTES
    assert routes["people.tasks.recognise"]["queue"] == routes["people.tasks.find_faces"]["queue"]
    assert routes["people.tasks.recognise"]["priority"] < routes["people.tasks.find_faces"]["priority"]
    assert settings.CELERY_WORKER_DISABLE_PREFETCH


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"", 422, "IMG_1.jpg is empty."),
        (b"Dear diary", 422, "IMG_1.jpg is not a photo Kith can read."),
        (encoded(drawing())[:3000], 422, "IMG_1.jpg is damaged."),
    ],
)
def test_the_gate_of_uploads_refuses(signed_in, worker, content, status, message):
    response = show(signed_in, picture(content))

    assert (response.status_code, response.json()["message"]) == (status, message)
    assert worker.asked == []
    assert list(incoming_folder().iterdir()) == []


def test_too_many_pixels_and_too_many_bytes_are_refused(signed_in, worker, settings):
    settings.KITH_MAX_PIXELS = 1000
    assert "megapixels" in show(signed_in).json()["message"]

    settings.KITH_MAX_FILE_BYTES = 1000
    response = show(signed_in)
    assert response.status_code == 413
    assert "is larger than" in response.json()["message"]
    assert worker.asked == []


def test_a_name_that_turns_text_around_is_cleaned(signed_in, worker):
    message = show(signed_in, picture(b"x", "a\u202egpj.exe")).json()["message"]

    assert message == "agpj.exe is not a photo Kith can read."


def test_a_request_without_a_picture_is_told_so(signed_in, worker):
    response = signed_in.post(URL, {}, headers={"accept": "application/json"})

    assert (response.status_code, response.json()["message"]) == (400, "Choose a picture.")


def test_a_full_disk_is_said(signed_in, worker, monkeypatch):
    import errno

    def full(incoming):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(IncomingFile, "lend", full)

    response = show(signed_in)

    assert (response.status_code, response.json()["message"]) == (507, recognise.NO_DISK)
    assert list(incoming_folder().iterdir()) == []


def test_who_waits_too_long_is_told_why_and_nothing_stays(signed_in, worker, monkeypatch):
    worker.is_running = False
    monkeypatch.setattr(inquiry, "WAIT_SECONDS", 0.3)
    monkeypatch.setattr(inquiry, "ASK_WHO_IS_THERE_AFTER", 0.1)
    for is_working, sentence in ((True, inquiry.BUSY), (False, inquiry.NOT_WORKING)):
        monkeypatch.setattr(inquiry, "is_working", lambda queue, answers=is_working: answers)
        response = show(signed_in)

        assert (response.status_code, response.json()["message"]) == (503, sentence)
        assert response["Retry-After"]
    assert list(incoming_folder().iterdir()) == []
    assert redis_client().keys("kith:turn:*") == []


def test_trouble_of_the_worker_is_said(signed_in, worker):
    worker.answer = Answer(trouble="Faces cannot be found yet.")

    response = show(signed_in)

    assert (response.status_code, response.json()["message"]) == (503, "Faces cannot be found yet.")
    assert "Retry-After" in response


def test_a_picture_that_only_the_worker_finds_damaged_is_422_and_need_not_be_tried_again(signed_in, worker):
    worker.answer = Answer(trouble=UNREADABLE, is_unreadable=True)

    response = show(signed_in)

    assert (response.status_code, response.json()["message"]) == (422, UNREADABLE)
    assert "Retry-After" not in response


def test_missing_weights_are_said_at_once(signed_in, worker, monkeypatch):
    monkeypatch.setattr(inquiry, "missing_weights_notice", lambda: "Faces cannot be found yet. Fetch them.")

    assert show(signed_in).status_code == 503
    assert worker.asked == []


def test_a_queue_that_cannot_be_reached_is_503(signed_in, monkeypatch):
    from redis import Redis

    monkeypatch.setattr(turns, "client", lambda: Redis.from_url("unix:///nowhere.sock"))

    response = show(signed_in)

    assert (response.status_code, response.json()["message"]) == (503, inquiry.UNREACHABLE)


def test_the_limit_of_a_minute_is_429_for_one_user_only(signed_in, client, bob, worker, monkeypatch):
    monkeypatch.setattr(turns, "PER_MINUTE", 2)
    assert [show(signed_in).status_code for _ in range(2)] == [200, 200]

    response = show(signed_in)

    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 60
    assert response.json()["message"].startswith("That was a lot of pictures.")
    assert len(worker.asked) == 2
    client.force_login(bob)
    assert show(client).status_code == 200


def test_only_so_many_pictures_of_a_user_are_looked_at_at_once(signed_in, alice, worker):
    with turns.turn_of(alice), turns.turn_of(alice):
        response = show(signed_in)
        assert (response.status_code, response["Retry-After"]) == (429, "1")

    assert show(signed_in).status_code == 200


def test_many_users_together_do_not_hold_all_threads_of_the_web(signed_in, bob, worker, settings):
    carol = make_user(username="carol")
    settings.KITH_SHOWN_AT_ONCE = 3
    with turns.turn_of(bob), turns.turn_of(bob), turns.turn_of(carol):
        response = show(signed_in)
        assert (response.status_code, response["Retry-After"]) == (503, "2")
        assert response.json()["message"] == "Kith is looking at the pictures of others. Try again in a moment."
        assert worker.asked == []

    assert show(signed_in).status_code == 200
    assert redis_client().keys("kith:turn:*") == []


def test_half_of_the_webs_threads_may_wait_for_answers():
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", "").splitlines()
    [command] = [line for line in lines if "gunicorn" in line]
    threads = settings.KITH_WEB_PROCESSES * settings.KITH_WEB_THREADS

    assert threads // 2 == settings.KITH_SHOWN_AT_ONCE
    assert f'"--workers={settings.KITH_WEB_PROCESSES}"' in command
    assert f'"--threads={settings.KITH_WEB_THREADS}"' in command


def test_a_turn_that_ran_out_does_not_end_somebody_elses(alice):
    with turns.turn_of(alice):
        keys = redis_client().keys("kith:turn:*")
        for key in keys:
            redis_client().set(key, "another")

    assert len(keys) == 2  # the user's, and everybody's
    assert {redis_client().get(key) for key in keys} == {b"another"}


@pytest.mark.parametrize("answer", [User.FaceAnalysis.OFF, User.FaceAnalysis.UNANSWERED])
def test_without_leave_no_face_is_looked_at(signed_in, alice, worker, answer):
    alice.face_analysis = answer
    alice.save()

    response = show(signed_in)

    assert (response.status_code, response.json()["message"]) == (403, recognise.FACES_ARE_OFF)
    assert worker.asked == []


def test_a_stranger_is_told_to_sign_in_and_writes_nothing(client, alice, monkeypatch):
    monkeypatch.setattr(IncomingFile, "_opened", lambda incoming: pytest.fail("a part was opened"))

    assert show(client, **{"X-CSRFToken": "x"}).status_code == 401
    assert show(client).status_code == 302


def test_without_javascript_the_page_shows_the_answer(signed_in, ann, worker):
    worker.answer = Answer(faces=(SeenFace(BOX, ann.pk, 0.97),))

    response = signed_in.post(URL, {"picture": picture()})

    assert response.status_code == 200
    content = response.content.decode()
    assert "1 face: Ann." in content and "97% sure" in content and "<canvas" not in content


def test_without_javascript_the_page_shows_what_is_wrong(signed_in, ann, worker):
    response = signed_in.post(URL, {"picture": picture(b"Dear diary")})

    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()


def test_the_page_explains_what_is_missing(signed_in, alice):
    assert "Nobody has a name yet" in signed_in.get(URL).content.decode()

    alice.face_analysis = User.FaceAnalysis.OFF
    alice.save()
    assert f"{reverse('accounts:settings')}#privacy" in signed_in.get(URL).content.decode()


def test_only_this_page_may_use_the_camera(signed_in, ann):
    assert signed_in.get(URL)["Permissions-Policy"].startswith("camera=(self)")
    assert signed_in.get("/people/")["Permissions-Policy"].startswith("camera=()")


def test_answers_are_not_kept_by_the_browser(signed_in, worker):
    assert "no-store" in show(signed_in)["Cache-Control"]


def test_an_answer_survives_its_way_through_the_queue():
    answer = Answer(width=3, height=2, faces=(SeenFace(BOX, 7, 0.5), SeenFace(BOX, None, 0.0)))

    assert inquiry._answer(json.loads(json.dumps(asdict(answer)))) == answer
