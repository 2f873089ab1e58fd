"""One run of the grouping: read a library, find where faces belong, write it; again if answers came meanwhile."""

import logging
import time
from collections.abc import Callable

from django.db import transaction

from people.grouping.arrivals import placed_among_kept
from people.grouping.library import Library
from people.grouping.whole_library import Snapshot
from people.grouping.writing import write
from people.locks import Job, one_at_a_time
from people.models import Decision, FaceWrite, Upkeep
from photos.faults import fault

logger = logging.getLogger(__name__)

Report = Callable[[float], object]

TRIES = 3  # when answers change, while groups are made, what may be grouped
REPORT_EVERY_SECONDS = 10


class CannotGroup(Exception):
    """Another worker is at it, or answers came faster than groups could be made."""


def group_owner(owner_id: int, *, report: Report | None = None) -> bool:
    """Group an owner's new faces; False when another worker is at it.

    Works on a snapshot, outside any transaction: a face that gets a name meanwhile is left alone. Is the run ended, by
    whatever, the next one is put off (people.models.Upkeep).

    Raises CannotGroup when answers keep coming that change what may be grouped.
    """
    with one_at_a_time(Job.GROUPING, owner_id) as is_ours:
        if is_ours:
            Upkeep.objects.start_grouping(owner_id)
            fault("groups-begun")
            try:
                _group(owner_id, all_anew=False, report=report or _logging(owner_id))
            except CannotGroup:
                Upkeep.objects.interrupt_grouping(owner_id)
                raise
            except Exception:
                Upkeep.objects.fail_grouping(owner_id)
                raise
            fault("groups-committed")
            Upkeep.objects.finish_grouping(owner_id)
    return is_ours


def regroup_from_scratch(owner_id: int, *, report: Report | None = None) -> Decision | None:
    """Forget how an owner's unknown faces were grouped and group them all again; one decision, None if nothing moves.

    Raises CannotGroup also when another worker is grouping.
    """
    with one_at_a_time(Job.GROUPING, owner_id) as is_ours:
        if not is_ours:
            raise CannotGroup("these faces are being grouped right now")
        return _group(owner_id, all_anew=True, report=report or _logging(owner_id))


def _group(owner_id: int, *, all_anew: bool, report: Report) -> Decision | None:
    for _ in range(TRIES):
        library = Library.of(owner_id)
        groups = None if all_anew else placed_among_kept(library)
        snapshot = None
        if groups is None:
            snapshot = Snapshot.of(library, all_anew=all_anew)
            groups = snapshot.grouped(report)
        with transaction.atomic():
            decision, is_done = write(library, groups)
            fault("groups-written")
            if is_done:
                break
            transaction.set_rollback(True)
    else:
        raise CannotGroup("answers came faster than groups could be made")
    if snapshot is not None:
        snapshot.keep()
    FaceWrite.objects.forget_old()
    return decision


def _logging(owner_id: int) -> Report:
    reported = time.monotonic()

    def report(share: float) -> None:
        nonlocal reported
        if time.monotonic() - reported > REPORT_EVERY_SECONDS:
            reported = time.monotonic()
            logger.info("Faces of owner %d are being grouped: %.0f %% compared", owner_id, 100 * share)

    return report
