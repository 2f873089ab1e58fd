"""The ledger: the one way faces get, lose or change a name, and the way back.

Every act locks its faces, changes them and notes what each was before and after,
all in one transaction. Views, commands and the machine share it.
"""

from people.ledger.acting import decide as decide
from people.ledger.acting import decide_on_people as decide_on_people
from people.ledger.acting import hide as hide
from people.ledger.acting import put_in_force as put_in_force
from people.ledger.acting import regroup as regroup
from people.ledger.acting import unhide as unhide
from people.ledger.reading import acts_on as acts_on
from people.ledger.reading import held_faces as held_faces
from people.ledger.reading import rejected_pairs as rejected_pairs
from people.ledger.undoing import Undone as Undone
from people.ledger.undoing import undo as undo
from people.ledger.undoing import undo_all as undo_all
from people.ledger.writing import Outcome as Outcome
