"""What can be wrong with a training run."""


class CannotTrain(ValueError):
    """The data or the settings allow no training, or it went astray. The message says in a sentence what is needed."""
