"""People, faces, groups of unknown faces, suggestions, questions and the ledger of decisions."""

from people.models.cluster import Cluster
from people.models.decision import Change, Decision
from people.models.face import Face
from people.models.face_write import FaceWrite
from people.models.library import Library
from people.models.library_map import LibraryMap
from people.models.own_projection import OwnProjection, Training
from people.models.person import Person
from people.models.question import Question
from people.models.saved_search import SavedSearch
from people.models.scored import Scored
from people.models.suggestion import Suggestion
from people.models.tally import GroupTally, PersonTally, PhotoTally
from people.models.upkeep import Upkeep

__all__ = [
    "Change",
    "Cluster",
    "Decision",
    "Face",
    "FaceWrite",
    "GroupTally",
    "Library",
    "LibraryMap",
    "OwnProjection",
    "Person",
    "PersonTally",
    "PhotoTally",
    "Question",
    "SavedSearch",
    "Scored",
    "Suggestion",
    "Training",
    "Upkeep",
]
