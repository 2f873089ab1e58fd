"""An owner whose answers there is something to learn from: invented brothers and sisters, in photos without files."""

from typing import Any

from tools.faults.client import Client

NAME, PASSWORD = "lena", "another password for tests"
LEARNING = "/settings/learning/"


class Learner:
    """Made for one kill, and gone afterwards: what is verified then would miss the files of the photos."""

    def __init__(self, port: int) -> None:
        from django.conf import settings
        from PIL import Image

        from accounts.models import User
        from tests.lookalikes import make_lookalikes

        self.owner = User.objects.create_user(NAME, password=PASSWORD, face_analysis=User.FaceAnalysis.ON)
        crop = settings.MEDIA_ROOT / "crops" / str(self.owner.pk) / "one.webp"
        crop.parent.mkdir(parents=True)
        Image.new("RGB", (160, 160), (90, 120, 110)).save(crop)
        make_lookalikes(self.owner, crop=str(crop.relative_to(settings.MEDIA_ROOT)))
        self._names = self._named()
        self._client = Client(port, NAME, PASSWORD)

    def learn(self) -> None:
        """Ask for it, as often as it takes: it is begun once."""
        self._client.post(LEARNING, {"action": "learn"})

    def problems(self) -> list[str]:
        """What is wrong once nothing is to be learnt any more."""
        from people.models import Face, Training

        row = Training.objects.get(owner=self.owner)
        without = Face.everywhere.filter(photo__owner=self.owner, own_projection=None).count()
        found = [f"not learnt to the end: {row.state or 'resting'}, {row.trouble}"] if not row.is_used else []
        found += [f"{without} faces without a row of what was learnt"] if without else []
        return found + (["names have changed"] if self._named() != self._names else [])

    def leave(self) -> None:
        from accounts.models import User
        from people import leaving

        leaving.leave(self.owner)
        while User.objects.filter(pk=self.owner.pk).exists():  # some photos at a time
            leaving.finish_leaving(self.owner)

    def _named(self) -> list[tuple[Any, ...]]:
        from people.models import Face

        faces = Face.everywhere.filter(photo__owner=self.owner).order_by("pk")
        return list(faces.values_list("pk", "person", "tagged_by"))
