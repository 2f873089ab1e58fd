"""The history of a library: which acts to list, what each did in words, and what held faces back from an undo."""

from people.history.chains import to_redo as to_redo
from people.history.held import Held as Held
from people.history.held import attach_held as attach_held
from people.history.held import what_holds as what_holds
from people.history.listing import KINDS as KINDS
from people.history.listing import Filters as Filters
from people.history.listing import attach_faces as attach_faces
from people.history.sentences import attach_texts as attach_texts
from people.history.sentences import day as day
from people.history.sentences import sentence as sentence
from people.history.sentences import short as short
