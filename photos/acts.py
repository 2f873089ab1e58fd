"""What an owner can do with photos and albums. Each is one act that can be taken back."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from photos import trash
from photos.models import Act, Album, Batch, Photo
from photos.models.photo import PhotoQuerySet
from photos.numbers import written
from photos.transactions import atomic_again

Verb = Act.Verb
Source = Photo.DateSource
InAlbum = Album.photos.through
BATCH = 5000  # rows written by one query
MOST_TRIED = 20  # acts, for one that can be taken back


@transaction.atomic
def move_to_trash(owner: User, photos: PhotoQuerySet) -> Act | None:
    return _note(owner, Verb.TRASH, trash.move_to_trash(owner, photos))


@transaction.atomic
def restore(owner: User, photos: PhotoQuerySet) -> Act | None:
    return _note(owner, Verb.RESTORE, trash.restore(owner, photos))


@atomic_again
def mark(owner: User, photos: PhotoQuerySet, *, is_favourite: bool) -> Act | None:
    """Make photos favourites, or plain photos again."""
    changed = _locked(photos.filter(is_favourite=not is_favourite))
    Photo.objects.filter(pk__in=changed).update(is_favourite=is_favourite)
    return _note(owner, Verb.FAVOURITE if is_favourite else Verb.PLAIN, changed)


@atomic_again
def set_date(owner: User, photos: PhotoQuerySet, day: date) -> Act | None:
    """Say on which day photos were taken. They keep their time of day, and so their order."""
    rows = photos.filter(pk__in=_locked(photos)).values_list("pk", "taken_at", "taken_at_source")
    before = {pk: [taken_at.isoformat(), source] for pk, taken_at, source in rows}
    changed = {pk: datetime.combine(day, datetime.fromisoformat(at).timetz()) for pk, (at, _) in before.items()}
    _write_dates({pk: (moment, Source.USER) for pk, moment in changed.items()})
    return _note(owner, Verb.DATE, list(before), before={"dates": before})


@atomic_again
def add_to_album(owner: User, photos: PhotoQuerySet, title: str) -> Act | None:
    """Put photos into the album of this title; a title nobody has yet makes a new album."""
    album = Album.objects.owned_by(owner).filter(title__iexact=title).order_by("pk").first()
    is_new = False
    if album is None:  # or somebody makes it at this moment: a second click, say
        album, is_new = Album.objects.get_or_create(owner=owner, title=title)
    there = InAlbum.objects.filter(album=album).values("photo")
    added = list(photos.exclude(pk__in=there).order_by("pk").values_list("pk", flat=True))
    _put_into(album, added)
    return _note(owner, Verb.ADD, added, album=album, before={"is_new": is_new})


@atomic_again
def remove_from_album(owner: User, album: Album, photos: PhotoQuerySet) -> Act | None:
    inside = InAlbum.objects.filter(album=album, photo__in=photos.order_by().values("pk"))
    removed = list(inside.order_by("photo").values_list("photo", flat=True))
    inside.filter(photo__in=removed).delete()
    before = {"cover": album.cover_id} if album.cover_id in removed else {}
    if before:
        Album.objects.filter(pk=album.pk).update(cover=None)
    return _note(owner, Verb.REMOVE, removed, album=album, before=before)


@atomic_again
def choose_cover(album: Album, photo: Photo) -> Act | None:
    before = {"cover": album.cover_id}
    Album.objects.filter(pk=album.pk).update(cover=photo)
    return _note(album.owner, Verb.COVER, [photo.pk], album=album, before=before)


@atomic_again
def rename_album(album: Album, title: str) -> Act | None:
    """Give an album another title, which none of the owner's may have."""
    before = Album.objects.values_list("title", flat=True).get(pk=album.pk)
    if title == before:
        return None
    album.title = title
    album.save(update_fields=["title"])
    return Act.objects.create(
        owner=album.owner, verb=Verb.RENAME, album=album, album_title=title, before={"title": before}
    )


@atomic_again
def delete_album(album: Album) -> Act | None:
    """Delete an album; its photos stay. None if somebody else just did."""
    if not Album.objects.select_for_update(of=("self",)).filter(pk=album.pk).exists():
        return None
    photos = list(InAlbum.objects.filter(album=album).order_by("photo").values_list("photo", flat=True))
    before = {
        "album": album.pk,
        "cover": album.cover_id,
        "created_at": album.created_at.isoformat(),
        "batches": list(album.batches.values_list("pk", flat=True)),
    }
    act = Act.objects.create(owner=album.owner, verb=Verb.DELETE, album_title=album.title, photos=photos, before=before)
    album.delete()
    return act


def was_deleted(owner: User, album: int) -> bool:
    """Whether an owner's album of this number is gone because the owner deleted it."""
    return Act.objects.owned_by(owner).filter(verb=Verb.DELETE, undone_at=None, before__album=album).exists()


def sentence(act: Act) -> str:
    """What an act did: "12 photos moved to the trash"."""
    return in_words(Verb(act.verb), len(act.photos), act.album_title)


def in_words(verb: Verb, count: int, album_title: str) -> str:
    """What an act of a kind did with as many photos, and with the album it was about."""
    title = {"count": written(count), "album": album_title}
    match verb:
        case Verb.TRASH:
            text = ngettext("%(count)s photo moved to the trash", "%(count)s photos moved to the trash", count)
        case Verb.RESTORE:
            text = ngettext("%(count)s photo put back", "%(count)s photos put back", count)
        case Verb.FAVOURITE:
            text = ngettext("%(count)s photo is a favourite", "%(count)s photos are favourites", count)
        case Verb.PLAIN:
            text = ngettext("%(count)s photo is no favourite now", "%(count)s photos are no favourites now", count)
        case Verb.DATE:
            text = ngettext("%(count)s photo has a new date", "%(count)s photos have a new date", count)
        case Verb.ADD:
            text = ngettext("%(count)s photo added to %(album)s", "%(count)s photos added to %(album)s", count)
        case Verb.REMOVE:
            text = ngettext("%(count)s photo removed from %(album)s", "%(count)s photos removed from %(album)s", count)
        case Verb.COVER:
            text = _("%(album)s has a new cover")
        case Verb.RENAME:
            text = _("The album is called %(album)s now")
        case _:
            text = _("Album %(album)s deleted. Its photos stay")
    return text % title


def undo(act: Act) -> bool:
    """Take an act back; False when that was done already, or what it was about is gone or has changed since.

    Photos about which a later act says something stay as they are, until that is taken back.
    """
    try:
        return _undo_at_once(act)
    except IntegrityError:  # at this moment somebody gives another album the title that would come back
        return False


@transaction.atomic
def _undo_at_once(act: Act) -> bool:
    act = Act.objects.select_for_update(of=("self",)).select_related("owner").get(pk=act.pk)
    if act.undone_at is not None or _is_overruled(act) or not _UNDO[Verb(act.verb)](act):
        return False
    Act.objects.filter(pk=act.pk).update(undone_at=timezone.now())
    return True


def undo_newest(owner: User, *, since: datetime | None = None) -> Act | None:
    """Take back the last act that can be, of all or of those after a time; return it."""
    acts = Act.objects.owned_by(owner).filter(undone_at=None)
    acts = acts.filter(made_at__gt=since) if since else acts
    return next((act for act in acts.order_by("-pk")[:MOST_TRIED] if undo(act)), None)


def _is_overruled(act: Act) -> bool:
    """Leave out of an act the photos that a later one is about; whether that leaves nothing to take back."""
    of_a_kind = next((verbs for verbs in _KINDS if act.verb in verbs), ())
    later = Act.objects.filter(owner=act.owner, verb__in=of_a_kind, album=act.album_id, undone_at=None, pk__gt=act.pk)
    if act.verb in (Verb.COVER, Verb.RENAME):
        return later.exists()
    held = {pk for photos in later.values_list("photos", flat=True) for pk in photos}
    act.photos = [pk for pk in act.photos if pk not in held]
    return bool(held) and not act.photos


def _note(
    owner: User,
    verb: Verb,
    photos: list[int],
    *,
    album: Album | None = None,
    before: Mapping[str, object] | None = None,
) -> Act | None:
    if not photos:
        return None
    title = album.title if album else ""
    return Act.objects.create(
        owner=owner, verb=verb, photos=photos, album=album, album_title=title, before=dict(before or {})
    )


def _locked(photos: PhotoQuerySet) -> list[int]:
    # In order of primary key, as the trash does.
    chosen = Photo.objects.filter(pk__in=photos.order_by().values("pk")).order_by("pk")
    return list(chosen.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


def _put_into(album: Album, photos: Iterable[int]) -> None:
    rows = (InAlbum(album_id=album.pk, photo_id=pk) for pk in photos)
    InAlbum.objects.bulk_create(rows, BATCH, ignore_conflicts=True)


def _write_dates(dates: dict[int, tuple[datetime, str]]) -> None:
    photos = [Photo(pk=pk, taken_at=moment, taken_at_source=source) for pk, (moment, source) in dates.items()]
    Photo.everywhere.bulk_update(photos, ["taken_at", "taken_at_source"], BATCH)


def _undo_trash(act: Act) -> bool:
    return bool(trash.restore(act.owner, Photo.everywhere.filter(pk__in=act.photos)))


def _undo_restore(act: Act) -> bool:
    return bool(trash.move_to_trash(act.owner, Photo.objects.filter(pk__in=act.photos)))


def _undo_mark(act: Act) -> bool:
    marked = Photo.everywhere.owned_by(act.owner).filter(pk__in=act.photos)
    return bool(marked.update(is_favourite=act.verb == Verb.PLAIN))


def _undo_date(act: Act) -> bool:
    there = set(Photo.everywhere.owned_by(act.owner).filter(pk__in=act.photos).values_list("pk", flat=True))
    dates = {int(pk): (datetime.fromisoformat(at).astimezone(UTC), source) for pk, (at, source) in _dates(act)}
    _write_dates({pk: dates[pk] for pk in there})
    return bool(there)


def _dates(act: Act) -> Iterable[tuple[str, list[str]]]:
    dates: dict[str, list[str]] = act.before["dates"]
    return dates.items()


def _undo_add(act: Act) -> bool:
    if act.album is None:
        return False
    removed, __ = InAlbum.objects.filter(album=act.album, photo__in=act.photos).delete()
    if act.before["is_new"] and not InAlbum.objects.filter(album=act.album).exists():
        act.album.delete()
    return bool(removed)


def _undo_remove(act: Act) -> bool:
    if act.album is None:
        return False
    _put_into(act.album, _still_there(act))
    if act.before.get("cover"):
        _put_cover(act.album, act.before["cover"])
    return True


def _undo_cover(act: Act) -> bool:
    if act.album is None:
        return False
    _put_cover(act.album, act.before["cover"])
    return True


def _undo_rename(act: Act) -> bool:
    title = act.before["title"]
    if act.album is None or Album.objects.filter(owner=act.owner, title=title).exists():
        return False
    return bool(Album.objects.filter(pk=act.album.pk).update(title=title))


def _undo_delete(act: Act) -> bool:
    """Make the album again, under its old number: links to it work again."""
    if Album.objects.filter(owner=act.owner, title=act.album_title).exists():
        return False
    album = Album.objects.create(pk=act.before["album"], owner=act.owner, title=act.album_title)
    Album.objects.filter(pk=album.pk).update(created_at=datetime.fromisoformat(act.before["created_at"]))
    _put_into(album, _still_there(act))
    _put_cover(album, act.before["cover"])
    Batch.objects.filter(owner=act.owner, album=None, pk__in=act.before["batches"]).update(album=album)
    return True


def _still_there(act: Act) -> list[int]:
    photos = Photo.everywhere.owned_by(act.owner).filter(pk__in=act.photos)
    return list(photos.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


def _put_cover(album: Album, photo: int | None) -> None:
    cover = Photo.everywhere.filter(owner=album.owner_id, pk=photo).first() if photo else None
    Album.objects.filter(pk=album.pk).update(cover=cover)


# Acts that say something else about the same photos, or the same album.
_KINDS = (
    (Verb.TRASH, Verb.RESTORE),
    (Verb.FAVOURITE, Verb.PLAIN),
    (Verb.DATE,),
    (Verb.ADD, Verb.REMOVE),
    (Verb.COVER,),
    (Verb.RENAME,),
)

_UNDO: dict[Verb, Callable[[Act], bool]] = {
    Verb.TRASH: _undo_trash,
    Verb.RESTORE: _undo_restore,
    Verb.FAVOURITE: _undo_mark,
    Verb.PLAIN: _undo_mark,
    Verb.DATE: _undo_date,
    Verb.ADD: _undo_add,
    Verb.REMOVE: _undo_remove,
    Verb.COVER: _undo_cover,
    Verb.RENAME: _undo_rename,
    Verb.DELETE: _undo_delete,
}
