"""Photos of before learn how they were taken."""

from io import StringIO

from django.core.management import call_command
from PIL import Image

from photos.intake import start_batch, take_in
from photos.models import Photo
from photos.tasks import make_due_derivatives
from tests.pictures import drawing, encoded


def test_details_of_photos_of_before_are_read_once(alice, arriving):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x8827] = 200
    batch = start_batch(alice, title="", expected=1)
    take_in(batch, arriving(encoded(drawing(64, 48), exif=exif)), name="1.jpg")
    make_due_derivatives()
    assert Photo.objects.get().exposure == {"iso": 200}
    Photo.objects.update(exposure=None)

    out = StringIO()
    call_command("read_details", stdout=out)

    assert Photo.objects.get().exposure == {"iso": 200}
    assert out.getvalue() == "Read the details of 1 photos.\n"
    call_command("read_details", stdout=out)
    assert out.getvalue().endswith("Read the details of 0 photos.\n")
