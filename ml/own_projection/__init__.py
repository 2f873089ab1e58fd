"""A library's own projection: learnt from its owner's answers, and used only if it names better than the base.

own = learn_projection(answered, base, shipped, report=say)
rows = own.projection.apply(embeddings)
"""

from ml.own_projection.answered import Answered, TooFewFaces
from ml.own_projection.comparing import Measured
from ml.own_projection.keeping import DamagedProjection, figures_of, load_own, save_own
from ml.own_projection.learning import OwnProjection, learn_projection

__all__ = [
    "Answered",
    "DamagedProjection",
    "Measured",
    "OwnProjection",
    "TooFewFaces",
    "figures_of",
    "learn_projection",
    "load_own",
    "save_own",
]
