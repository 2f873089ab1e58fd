"""Pairs of faces for verification: those of a file, or made from the labels."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from ml.arguments import checked_count
from ml.evaluation.csv_rows import BadLabels, read_rows
from ml.evaluation.labels import LabelledFace, LabelledFolder, LabelledPhoto, PhotoFiles, listed, person_named

FOLDS = 10
PAIRS_A_FOLD = 300  # of each kind, as in LFW
PAIR_FILES = ("pairs.txt", "pairs.csv", "lfw_pairs.csv")
# A fold of more than this share of all pairs leaves too few others to choose a threshold on.
LARGEST_FOLD = 0.5


@dataclass(frozen=True)
class FaceName:
    """A labelled face: the photo it is in, and whose it is."""

    file: str
    person: str


@dataclass(frozen=True)
class Pair:
    """Two faces, whether they are of one person, and the number of the fold they are tested in."""

    first: FaceName
    second: FaceName
    same: bool
    fold: int


@dataclass(frozen=True)
class PairList:
    """Pairs, where they and their folds come from, in words, and what was wrong with the file, in sentences.

    left_out: pairs of the file whose photos are not in the folder.
    """

    pairs: tuple[Pair, ...]
    source: str
    folds: str
    problems: tuple[str, ...] = ()
    left_out: int = 0


def read_pairs(
    folder: LabelledFolder, seed: int, path: Path | None = None, *, from_labels: bool = False
) -> tuple[LabelledFolder, PairList]:
    """The pairs of a folder, and the folder with those photos added that only the pairs name.

    Args:
        folder: as `read_folder` returns it.
        seed: for what is drawn at random.
        path: pairs in LFW's format or, if its name ends in .csv, with columns file1, file2 and same. By default one of
            `PAIR_FILES` in the folder; without any, pairs are made from the labels.
        from_labels: make pairs from the labels even so.

    Raises:
        BadLabels: the file cannot be understood.
        ValueError: seed is not a whole number from 0.
    """
    checked_count("seed", seed, least=0)
    found = path or next((folder.root / name for name in PAIR_FILES if (folder.root / name).exists()), None)
    if found is None or from_labels:
        return folder, made_pairs(folder.photos, seed)
    if not found.is_file():
        raise BadLabels(f"There is no file of pairs at {found}.")
    if found.suffix.lower() == ".csv":
        return folder, _pairs_of_files(folder, found, seed)
    return _pairs_of_lfw(folder, found, seed)


# LFW's pairs.txt


@dataclass(frozen=True)
class _NumberedPair:
    """A line of pairs.txt: the third photo of one person, say, and the first of another."""

    first: tuple[str, int]
    second: tuple[str, int]


def _pairs_of_lfw(folder: LabelledFolder, path: Path, seed: int) -> tuple[LabelledFolder, PairList]:
    sizes, lines = _lfw_lines(path)
    files = _numbered_files(folder.root)
    pairs: list[Pair] = []
    missing: dict[str, None] = {}
    # View 2 of LFW has folds of n same and n different pairs each; of other files the folds are ours.
    stated = len(sizes) == 2 and len(lines) == sizes[0] * sizes[1] * 2
    for number, line in enumerate(lines):
        faces = []
        for name, photo in (line.first, line.second):
            file = files.get((_plain(name), photo))
            if file is None:
                missing[f"{name} {photo}"] = None
            else:
                faces.append(FaceName(file, person_named(PurePosixPath(file).parent.name) or name))
        if len(faces) == 2:
            same = _plain(line.first[0]) == _plain(line.second[0])
            pairs.append(Pair(faces[0], faces[1], same, number // (sizes[1] * 2) if stated else 0))
    problems = [f"Named in {path.name}, but not in the folder ({len(missing)}): {listed(missing)}."] if missing else []
    left_out = len(lines) - len(pairs)
    folder, pairs = _named_as_labelled(folder, pairs)
    if stated:
        return folder, PairList(tuple(pairs), path.name, f"as {path.name} says", tuple(problems), left_out)
    return folder, _with_folds(PairList(tuple(pairs), path.name, "", tuple(problems), left_out), seed)


def _lfw_lines(path: Path) -> tuple[list[int], list[_NumberedPair]]:
    """The numbers in the first line, if it has some, and the pairs."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadLabels(f"{path.name} is not a text file in UTF-8.") from error
    sizes: list[int] = []
    pairs: list[_NumberedPair] = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not sizes and not pairs and words and len(words) <= 2 and all(word.isdecimal() for word in words):
            sizes = [int(word) for word in words]
        elif words:
            pairs.append(_lfw_pair(line.strip(), f"{path.name}, line {number}"))
    if not pairs:
        raise BadLabels(f"{path.name} holds no pairs.")
    return sizes, pairs


def _lfw_pair(line: str, place: str) -> _NumberedPair:
    """`name 1 2` or `name 1 other 2`; names may hold spaces."""
    if match := re.fullmatch(r"(.+?)\s+(\d+)\s+(\d+)", line):
        name, first, second = match.groups()
        return _NumberedPair((name, int(first)), (name, int(second)))
    if match := re.fullmatch(r"(.+?)\s+(\d+)\s+(.+?)\s+(\d+)", line):
        name, first, other, second = match.groups()
        return _NumberedPair((name, int(first)), (other, int(second)))
    raise BadLabels(f"{place}: a pair is `name 1 2` or `name 1 other 2`, not {line!r}.")


def _numbered_files(root: Path) -> dict[tuple[str, int], str]:
    """(person's folder, number at the end of the file's name) -> file."""
    numbered: dict[tuple[str, int], str] = {}
    for file in PhotoFiles(root).files:
        path = PurePosixPath(file)
        if match := re.search(r"(\d+)$", path.stem):
            numbered.setdefault((_plain(path.parent.name), int(match[1])), file)
    return numbered


def _plain(name: str) -> str:
    """One spelling of a name for files and folders that write it with spaces or underscores."""
    return (person_named(name) or "").replace(" ", "_").casefold()


def _named_as_labelled(folder: LabelledFolder, pairs: list[Pair]) -> tuple[LabelledFolder, list[Pair]]:
    """Call the faces of pairs what the labels call them, and label those that labels.csv does not name."""
    named = {photo.file: [face.person for face in photo.faces if face.person] for photo in folder.photos}
    added: dict[str, str] = {}

    def labelled(face: FaceName) -> FaceName:
        people = named.get(face.file, [])
        if not people:
            added[face.file] = face.person
            return face
        return replace(face, person=next((one for one in people if _plain(one) == _plain(face.person)), people[0]))

    renamed = [replace(pair, first=labelled(pair.first), second=labelled(pair.second)) for pair in pairs]
    photos = {photo.file: photo for photo in folder.photos}
    for file, person in added.items():
        known = photos.get(file, LabelledPhoto(file, (), "name_only"))
        photos[file] = replace(known, faces=(*known.faces, LabelledFace(person, None)))
    return replace(folder, photos=tuple(photos[file] for file in sorted(photos))), renamed


# A table of two files a line


def _pairs_of_files(folder: LabelledFolder, path: Path, seed: int) -> PairList:
    people = {
        photo.file: FaceName(photo.file, face.person)
        for photo in folder.photos
        for face in reversed(photo.faces)
        if face.person
    }
    files = PhotoFiles(folder.root)
    pairs: list[Pair] = []
    missing: dict[str, None] = {}
    rows = list(read_rows(path, ("file1", "file2", "same")))
    for row in rows:
        same = {"1": True, "0": False, "true": True, "false": False}.get(row.cells["same"].lower())
        if same is None:
            raise BadLabels(f"{row.place}: same should be 1 or 0, not {row.cells['same']!r}.")
        names = [row.cells["file1"], row.cells["file2"]]
        faces = [people.get(files.find(name) or "") for name in names]
        if faces[0] is not None and faces[1] is not None:
            pairs.append(Pair(faces[0], faces[1], same, 0))
        missing.update({name: None for name, face in zip(names, faces, strict=True) if face is None})
    problems = [f"Named in {path.name}, but not labelled photos of the folder ({len(missing)}): {listed(missing)}."]
    left_out = len(rows) - len(pairs)
    return _with_folds(PairList(tuple(pairs), path.name, "", tuple(problems if missing else []), left_out), seed)


def _with_folds(pairs: PairList, seed: int) -> PairList:
    """Share the pairs out to ten folds: no person in two of them where that can be done evenly, else at random."""
    random = np.random.default_rng(seed)
    groups = _groups_of_people(pairs.pairs)
    sizes = [0] * min(FOLDS, max(len(groups), 1))
    fold_of = np.zeros(len(pairs.pairs), dtype=int)
    # The largest groups first, each to the fold that has fewest so far.
    for group in sorted((groups[place] for place in random.permutation(len(groups))), key=len, reverse=True):
        fold = sizes.index(min(sizes))
        sizes[fold] += len(group)
        fold_of[group] = fold
    words = f"{len(sizes)}, no person in two of them"
    if max(sizes) > LARGEST_FOLD * len(pairs.pairs):
        for same in (True, False):
            alike = np.flatnonzero([pair.same == same for pair in pairs.pairs])
            fold_of[random.permutation(alike)] = np.arange(len(alike)) % FOLDS
        words = f"{FOLDS} at random: the people cannot be shared out"
    folded = [replace(pair, fold=int(fold)) for pair, fold in zip(pairs.pairs, fold_of, strict=True)]
    return replace(pairs, pairs=tuple(folded), folds=words)


def _groups_of_people(pairs: Sequence[Pair]) -> list[list[int]]:
    """Numbers of the pairs that hang together by the people in them."""
    leader: dict[str, str] = {}

    def lead(person: str) -> str:
        leader.setdefault(person, person)
        while leader[person] != person:
            leader[person] = leader[leader[person]]
            person = leader[person]
        return person

    for pair in pairs:
        leader[lead(pair.first.person)] = lead(pair.second.person)
    groups: dict[str, list[int]] = defaultdict(list)
    for number, pair in enumerate(pairs):
        groups[lead(pair.first.person)].append(number)
    return list(groups.values())


# Pairs made from the labels


def made_pairs(photos: Sequence[LabelledPhoto], seed: int) -> PairList:
    """As many pairs of one person as of two, at most 300 of each a fold, in ten folds that share nobody.

    People with few photos get as many pairs as they have, those with more share what is left evenly. Where there are
    too few people for two folds, all pairs are drawn from all of them, and dealt out at random.

    Raises:
        ValueError: seed is not a whole number from 0.
    """
    checked_count("seed", seed, least=0)
    random = np.random.default_rng(seed)
    faces: dict[str, list[FaceName]] = defaultdict(list)
    for photo in photos:
        for person in sorted({face.person for face in photo.faces if face.person}):
            faces[person].append(FaceName(photo.file, person))
    # Dealt out by the number of their photos, so that all folds are alike.
    names = sorted(faces)
    shuffled = [names[number] for number in random.permutation(len(faces))]
    people = sorted(shuffled, key=lambda person: -len(faces[person]))
    folds = min(FOLDS, sum(len(photos) > 1 for photos in faces.values()), len(faces) // 2)
    source = "made from the labels"
    if folds < 2:
        pairs = _pairs_among(people, faces, PAIRS_A_FOLD * FOLDS, random, fold=0)
        return _with_folds(PairList(tuple(pairs), source, ""), seed)
    pairs = []
    for fold in range(folds):
        pairs += _pairs_among(people[fold::folds], faces, PAIRS_A_FOLD, random, fold=fold)
    return PairList(tuple(pairs), source, f"{folds}, no person in two of them")


def _pairs_among(
    people: Sequence[str], faces: dict[str, list[FaceName]], most: int, random: np.random.Generator, *, fold: int
) -> list[Pair]:
    """Up to `most` pairs of one person, and as many of two people of this fold."""
    same = _same_pairs(people, faces, most, random)
    different = _different_pairs(people, faces, max(len(same), 1), random)
    return [
        *(Pair(first, second, True, fold) for first, second in same),
        *(Pair(first, second, False, fold) for first, second in different),
    ]


def _same_pairs(
    people: Sequence[str], faces: dict[str, list[FaceName]], most: int, random: np.random.Generator
) -> list[tuple[FaceName, FaceName]]:
    turns: list[tuple[int, FaceName, FaceName]] = []
    for person in people:
        own = faces[person]
        possible = len(own) * (len(own) - 1) // 2
        for turn, number in enumerate(random.choice(possible, min(possible, most), replace=False)):
            first, second = _unordered_pair(int(number))
            turns.append((turn, own[first], own[second]))
    # Everyone's first pair before anyone's second.
    return [(first, second) for _, first, second in sorted(turns, key=lambda turn: turn[0])][:most]


def _unordered_pair(number: int) -> tuple[int, int]:
    """The pair of this number in the order (0, 1), (0, 2), (1, 2), (0, 3), ..."""
    second = int((1 + np.sqrt(8 * number + 1)) / 2)
    return number - second * (second - 1) // 2, second


def _different_pairs(
    people: Sequence[str], faces: dict[str, list[FaceName]], wanted: int, random: np.random.Generator
) -> Iterator[tuple[FaceName, FaceName]]:
    """Pairs of two people, each drawn once; fewer than wanted where there are hardly more."""
    drawn: set[tuple[FaceName, FaceName]] = set()
    for _ in range(20 * wanted if len(people) > 1 else 0):
        first, second = (people[int(number)] for number in sorted(random.choice(len(people), 2, replace=False)))
        pair = (faces[first][int(random.integers(len(faces[first])))],
                faces[second][int(random.integers(len(faces[second])))])  # fmt: skip
        if pair not in drawn:
            drawn.add(pair)
            yield pair
        if len(drawn) == wanted:
            return
