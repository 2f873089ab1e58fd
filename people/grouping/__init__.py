"""Groups the faces nobody has named: new ones among the groups that are there, which stay as they are otherwise.

Every run is a decision of the ledger, so it can be undone like any other; what users said of faces is kept to.
"""

from people.grouping.runs import CannotGroup as CannotGroup
from people.grouping.runs import group_owner as group_owner
from people.grouping.runs import regroup_from_scratch as regroup_from_scratch
