"""Forms sent with the ids of two users: for test_mixed, and for what breaks half-way."""

from collections.abc import Callable
from typing import Any

Body = Callable[[dict[str, int], dict[str, int]], dict[str, Any]]


def both(name: str) -> Callable[[dict[str, int], dict[str, int]], list[int]]:
    return lambda mine, theirs: [mine[name], theirs[name]]


photos, faces, people, groups = (both(f"{kind}_id") for kind in ("photo", "face", "person", "cluster"))
named, grouped = both("named_id"), both("grouped_id")


def joined(pks: list[int]) -> str:
    return ",".join(map(str, pks))


# Route, and what is sent with the ids of both: whoever sends it owns `m`, and the address is their own.
CHANGING: list[tuple[str, Body]] = [
    ("photos:favourite", lambda m, t: {"photos": photos(m, t), "plain": "1"}),
    ("photos:add-to-album", lambda m, t: {"photos": photos(m, t), "title": "Album of Annabel"}),
    ("photos:set-date", lambda m, t: {"photos": photos(m, t), "day": "2001-02-03"}),
    ("photos:move-to-trash", lambda m, t: {"photos": photos(m, t)}),
    ("photos:trash-restore", lambda m, t: {"photos": both("trashed_id")(m, t)}),
    ("photos:trash-delete", lambda m, t: {"photos": both("trashed_id")(m, t), "sure": "yes"}),
    ("photos:album-remove", lambda m, t: {"photos": photos(m, t)}),
    ("photos:album-cover", lambda m, t: {"photos": photos(m, t)}),
    ("photos:album-rename", lambda m, t: {"title": "Album of Annabel"}),
    ("photos:batch-album", lambda m, t: {"title": "Album of Annabel"}),
    ("people:together", lambda m, t: {"people": people(m, t), "groups": groups(m, t), "action": "hide"}),
    ("people:together", lambda m, t: {"groups": groups(m, t), "action": "name", "name": "Zoe"}),
    ("people:together", lambda m, t: {"hide": people(m, t)}),
    ("people:merge", lambda m, t: {"people": people(m, t), "groups": groups(m, t), "keep": m["person_id"]}),
    ("people:answer", lambda m, t: {"answer": "name", "name": "Zoe", "faces": faces(m, t), "shown": faces(m, t)}),
    ("people:answer", lambda m, t: {"answer": "ignore", "faces": faces(m, t), "shown": faces(m, t)}),
    ("people:answer", lambda m, t: {"answer": "no", "about": m["person_id"], "shown": faces(m, t)}),
    ("people:change-faces", lambda m, t: {"faces": named(m, t), "action": "cover"}),
    ("people:change-faces", lambda m, t: {"faces": named(m, t), "action": "remove"}),
    ("people:change-faces", lambda m, t: {"faces": named(m, t), "action": "move", "name": "Zoe"}),
    ("people:split", lambda m, t: {"0-faces": joined(named(m, t)), "0-name": "Zoe"}),
    ("people:split-group", lambda m, t: {"0-faces": joined(grouped(m, t)), "0-name": "Zoe"}),
    ("people:split-off", lambda m, t: {"shown": grouped(m, t)}),
    ("people:name-group", lambda m, t: {"name": "Zoe", "shown": grouped(m, t), "faces": grouped(m, t)}),
    ("people:name-face", lambda m, t: {"name": "Annabel"}),
    ("people:ignore-others", lambda m, t: {"faces": faces(m, t)}),
    ("people:save-search", lambda m, t: {"query": f"p={m['person_id']}&p={t['person_id']}", "title": "Both"}),
    ("people:edit", lambda m, t: {"name": "Annabel", "keep": "1"}),
]
# These are about what is another's alone, or change nothing in any case.
IDLE: list[tuple[str, Body]] = [
    *(
        ("photos:favourite", lambda m, t, scope=scope: {"all": "yes", "scope": scope.format(**t), "plain": "1"})
        for scope in ("album-{album_id}", "person-{person_id}", "batch-{batch_id}", "search-p={person_id}")
    ),
    ("photos:download", lambda m, t: {"photos": photos(m, t)}),
    ("photos:retry-all", lambda m, t: {"photos": photos(m, t)}),
    ("people:in-these", lambda m, t: {"photos": photos(m, t)}),
    ("people:together", lambda m, t: {"groups": groups(m, t), "action": "name", "person": t["person_id"]}),
    ("people:merge", lambda m, t: {"people": people(m, t), "keep": t["person_id"]}),
    ("people:answer", lambda m, t: {"answer": "yes", "about": t["person_id"], "faces": faces(m, t)}),
    ("people:answer", lambda m, t: {"answer": "name", "name": "Zoe", "cluster": t["cluster_id"], "faces": faces(m, t)}),
    ("people:answer", lambda m, t: {"answer": "same", "question": t["question_id"]}),
    ("people:change-faces", lambda m, t: {"faces": named(m, t), "action": "move", "person": t["person_id"]}),
    ("people:name-group", lambda m, t: {"person": t["person_id"]}),
    ("people:name-face", lambda m, t: {"person": t["person_id"], "name": "Annabel"}),
    ("people:answer-face", lambda m, t: {"about": t["person_id"], "answer": "yes"}),
    ("people:remove-name", lambda m, t: {"about": t["person_id"]}),
    ("people:drop-search", lambda m, t: {"query": f"p={t['person_id']}"}),
]
FORMS = CHANGING + IDLE


def labels(forms: list[tuple[str, Body]]) -> list[str]:
    return [f"{number}-{name}" for number, (name, _) in enumerate(forms)]
