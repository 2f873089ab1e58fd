"""Says in words what a decision did."""

from people.models import Decision

Verb = Decision.Verb


def sentence(decision: Decision) -> str:
    """What a decision did: "23 faces confirmed as Ann"."""
    counted = Decision.objects.filter(pk=decision.pk).with_counts().select_related("person", "undoes").get()
    return describe(counted)


def describe(decision: Decision) -> str:
    """The same for a decision that with_counts() annotated."""
    touched, ruled_out = decision.touched, decision.ruled_out
    name = decision.person or "nobody"
    match decision.verb:
        case Verb.CONFIRM | Verb.IMPORT:
            also = f", {ruled_out} not" if ruled_out else ""
            return f"{_faces(touched - ruled_out)} confirmed as {name}{also}"
        case Verb.REJECT:
            return f"{_faces(touched)} {_is(touched)} not {name}"
        case Verb.REMOVE if decision.person is None:
            return f"Names that Kith gave taken back from {_faces(touched)}"
        case Verb.REMOVE:
            return f"{_faces(touched)} removed from {name}"
        case Verb.IGNORE:
            return f"{_faces(touched)} set aside"
        case Verb.SHOW:
            return f"{_faces(touched)} asked about again"
        case Verb.MERGE:
            return f"{_faces(touched)} merged into {name}"
        case _:
            return f"Undone: {_faces(touched)} put back"


def _faces(count: int) -> str:
    return f"{count} face{'' if count == 1 else 's'}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
