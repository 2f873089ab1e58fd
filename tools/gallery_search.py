"""What an HNSW index on confirmed faces would save a search, and cost whoever names a group.

    .venv/bin/python tools/gallery_search.py

In a PostgreSQL of its own: 110,000 faces of one owner, of whom 10,000 and then 100,000 are confirmed, and another
owner with as many faces. Prints medians.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

FACES = 110_000
PEOPLE = 2_000
NAMED = 1_000
SEARCHES = 15
DIMENSIONS = 128
INDEX = (
    "CREATE INDEX face_gallery ON people_face USING hnsw ((projection::halfvec(128)) halfvec_cosine_ops)"
    " WHERE tagged_by = 'user'"
)
# The nearest faces, of which people are then taken; the index knows nothing of owners, so it has to go on.
NEAREST = """
    SELECT person_id, (projection::halfvec(128)) <=> %s::halfvec(128) AS distance
    FROM people_face JOIN photos_photo ON photos_photo.id = photo_id
    WHERE tagged_by = 'user' AND model = 'm' AND owner_id = %s ORDER BY distance LIMIT 50
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="kith-search-", dir="/var/tmp") as home:
        Path(home).chmod(0o711)
        os.environ.update(KITH_HOME=home, KITH_DEBUG="1", DJANGO_SETTINGS_MODULE="config.settings")
        os.environ.pop("DATABASE_URL", None)
        from config.embedded import EmbeddedServices

        services = EmbeddedServices(Path(home))
        services.start(lambda sentence: None)
        try:
            measure()
        finally:
            from django.db import connection

            connection.close()
            services.stop(lambda sentence: None)


def measure() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from accounts.models import User
    from people.models import Person

    call_command("migrate", verbosity=0)
    _run("SET statement_timeout = 0")
    random = np.random.default_rng(0)
    owners = [User.objects.create(username=name, face_analysis="on") for name in ("ann", "bob")]
    centres = random.normal(size=(PEOPLE, DIMENSIONS))
    people = {
        owner.pk: [p.pk for p in Person.objects.bulk_create(Person(owner=owner, name=str(n)) for n in range(PEOPLE))]
        for owner in owners
    }
    for owner in owners:
        _fill(owner.pk, people[owner.pk], centres, random)
    probes = [_unit(centres[random.integers(PEOPLE)] + random.normal(size=DIMENSIONS)) for _ in range(SEARCHES)]
    for confirmed in (10_000, 100_000):
        _confirm(confirmed)
        print(f"\n{confirmed} confirmed faces of each of two owners")
        exact = [_people(owners[0], probe) for probe in probes]
        print(f"exact, nearest face of each person: {_median(lambda p: _people(owners[0], p), probes):.0f} ms")
        print(f"naming {NAMED} faces: {_naming(owners[0], people[owners[0].pk][0]):.0f} ms")
        _run("SET maintenance_work_mem = '512MB'")
        started = time.perf_counter()
        _run(INDEX)
        print(f"making the index: {time.perf_counter() - started:.1f} s, {_size()}")
        _run("SET hnsw.iterative_scan = strict_order")
        found = [_by_index(owners[0].pk, probe) for probe in probes]
        print(f"by the index, nearest 50 faces: {_median(lambda p: _by_index(owners[0].pk, p), probes):.1f} ms")
        same = sum(near[0] == most[0] for near, most in zip(found, exact, strict=True))
        print(f"the same nearest person: {same} of {SEARCHES}")
        print(f"naming {NAMED} faces: {_naming(owners[0], people[owners[0].pk][1]):.0f} ms")
        _run("DROP INDEX face_gallery")


def _unit(row: np.ndarray) -> np.ndarray:
    return (row / np.linalg.norm(row)).astype(np.float32)


def _run(sql: str, values: list[object] | None = None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def _fill(owner: int, people: list[int], centres: np.ndarray, random: np.random.Generator) -> None:
    """Photos with one face each, of people in turn; person and number are kept aside in the crop's name."""
    from django.db import connection

    rows = centres[np.arange(FACES) % PEOPLE] + random.normal(size=(FACES, DIMENSIONS))
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS rows (n int, person bigint, projection halfvec(128)); TRUNCATE rows"
        )
        with cursor.copy("COPY rows FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8) + _binary(rows, people) + b"\xff\xff")
        columns = {c.column: None for c in _model("photos", "Photo").concrete_fields if c.column != "id"}
        columns |= {"owner_id": "%s", "sha256": "lpad(%s || '-' || n::text, 64, '0')"}
        names, values = zip(*_defaults(_model("photos", "Photo"), columns).items(), strict=True)
        cursor.execute(
            f"INSERT INTO photos_photo ({', '.join(names)}) SELECT {', '.join(values)} FROM rows ORDER BY n",  # noqa: S608
            [owner] * sum(value.count("%s") for value in values),
        )
        faces = {c.column: None for c in _model("people", "Face").concrete_fields if c.column != "id"}
        faces |= {"photo_id": "p.id", "projection": "projection", "person_id": "NULL", "cluster_id": "NULL"}
        faces |= {"embedding": "array_fill(0.044::real, ARRAY[512])::vector", "model": "'m'", "tagged_by": "''"}
        faces |= {"landmarks": "array_fill(0.5::float8, ARRAY[10])", "crop": "person::text || '/' || n::text"}
        faces |= {"width": "0.1", "height": "0.1", "is_ignored": "false"}
        names, values = zip(*_defaults(_model("people", "Face"), faces).items(), strict=True)
        cursor.execute(
            f"INSERT INTO people_face ({', '.join(map(_quoted, names))}) SELECT {', '.join(values)} FROM rows JOIN"  # noqa: S608
            " photos_photo p ON p.owner_id = %s AND p.sha256 = lpad(%s || '-' || n::text, 64, '0')",
            [owner, owner],
        )
        cursor.execute("ANALYZE")


def _binary(rows: np.ndarray, people: list[int]) -> bytes:
    """As PostgreSQL reads them: of each row how many columns, and each behind its length."""
    parts = [("columns", ">i2"), ("l1", ">i4"), ("n", ">i4"), ("l2", ">i4"), ("person", ">i8"), ("l3", ">i4")]
    table = np.zeros(len(rows), [*parts, ("dimensions", ">i2"), ("unused", ">i2"), ("row", ">f2", (DIMENSIONS,))])
    table["columns"], table["l1"], table["l2"], table["l3"] = 3, 4, 8, 4 + 2 * DIMENSIONS
    table["n"], table["person"] = np.arange(len(rows)), np.array(people)[np.arange(len(rows)) % PEOPLE]
    table["dimensions"], table["row"] = DIMENSIONS, rows
    return table.tobytes()


def _quoted(name: str) -> str:
    return f'"{name}"'


def _model(app: str, name: str):  # type: ignore[no-untyped-def]
    from django.apps import apps

    return apps.get_model(app, name)._meta


def _defaults(model, columns: dict[str, str | None]) -> dict[str, str]:  # type: ignore[no-untyped-def]
    """Something harmless for each column that nothing was said of."""
    kinds = {"CharField": "''", "TextField": "''", "FileField": "''", "BooleanField": "false", "JSONField": "'{}'"}
    made = {}
    for field in model.concrete_fields:
        if field.column not in columns:
            continue
        said = columns[field.column]
        kind = field.get_internal_type()
        made[field.column] = said or ("NULL" if field.null else kinds.get(kind, "now()" if "Date" in kind else "1"))
    return made


def _confirm(count: int) -> None:
    _run("UPDATE people_face SET person_id = NULL, tagged_by = ''")
    _run(
        "UPDATE people_face SET tagged_by = 'user', person_id = split_part(crop, '/', 1)::bigint"
        " WHERE split_part(crop, '/', 2)::int < %s",
        [count],
    )
    _run("VACUUM (ANALYZE) people_face")


def _people(owner, probe: np.ndarray) -> list[int]:  # type: ignore[no-untyped-def]
    from people.models import Face

    people, distances = Face.objects.owned_by(owner).gallery().embedded_by("m").people_near([probe])
    return [people[place] for place in np.argsort(distances[0])[:8]]


def _by_index(owner: int, probe: np.ndarray) -> list[int]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(NEAREST, ["[" + ",".join(f"{v:.5f}" for v in probe) + "]", owner])
        return [row[0] for row in cursor.fetchall()]


def _median(search: Callable[[np.ndarray], object], probes: list[np.ndarray]) -> float:
    """Milliseconds."""
    took = []
    for probe in probes:
        started = time.perf_counter()
        search(probe)
        took.append(1000 * (time.perf_counter() - started))
    return statistics.median(took)


def _naming(owner, person: int) -> float:  # type: ignore[no-untyped-def]
    """Milliseconds to name faces that wait, the whole act."""
    from people import answers
    from people.models import Face, Person

    waiting = Face.objects.owned_by(owner).untagged().order_by("-pk")
    faces = list(waiting.values_list("pk", flat=True)[:NAMED])
    started = time.perf_counter()
    answers.confirm(Person.objects.get(pk=person), faces, actor=owner)
    return 1000 * (time.perf_counter() - started)


def _size() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_size_pretty(pg_relation_size('face_gallery'))")
        return str(cursor.fetchone()[0])


if __name__ == "__main__":
    main()
