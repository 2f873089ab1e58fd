"""What every address answers to whom, as data. test_routes asks all of them; an address that is not here fails it.

Strangers, and users whose account was closed while they were signed in, are sent to the sign-in page by everything but
what is public. There are no staff: the site has no pages for administrators, and an account Django would call one is
anybody else here.
"""

from dataclasses import dataclass

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
REFUSED = 405


@dataclass(frozen=True)
class Expected:
    """Status codes. get: HEAD answers the same, without a body. post: to a form with nothing in it.

    stranger: of GET and POST to somebody who is not signed in, where that is public.
    """

    get: int
    post: int = REFUSED
    stranger: tuple[int, int] | None = None

    @property
    def is_public(self) -> bool:
        return self.stranger is not None

    def of_owner(self) -> dict[str, int]:
        return _by_method(self.get, self.post)

    def of_stranger(self) -> dict[str, int]:
        assert self.stranger is not None
        return _by_method(*self.stranger)

    def of_others(self) -> dict[str, int]:
        """Where the address holds something of somebody else's: it does not exist, and refuses what it always does."""
        return {method: status if status == REFUSED else 404 for method, status in self.of_owner().items()}


def _by_method(get: int, post: int) -> dict[str, int]:
    return dict.fromkeys(METHODS, REFUSED) | {"GET": get, "HEAD": get, "POST": post}


EXPECTED: dict[str, Expected] = {
    # Words of scripts
    "words": Expected(200, stranger=(200, REFUSED)),
    # Accounts
    "accounts:welcome": Expected(302, 302, stranger=(302, 302)),
    "accounts:faces": Expected(200, 422),
    "accounts:sign-in": Expected(302, 302, stranger=(200, 200)),
    "accounts:sign-out": Expected(REFUSED, 302),
    "accounts:change-language": Expected(REFUSED, 302, stranger=(REFUSED, 302)),
    "accounts:settings": Expected(200),
    "accounts:change-theme": Expected(REFUSED, 302),
    "accounts:change-keys": Expected(REFUSED, 302),
    "accounts:change-faces": Expected(REFUSED, 302),
    "accounts:change-password": Expected(REFUSED, 422),
    "accounts:end-session": Expected(REFUSED, 302),
    "accounts:end-other-sessions": Expected(REFUSED, 302),
    # Photos and albums
    "photos:timeline": Expected(200),
    "photos:favourites": Expected(200),
    "photos:undated": Expected(200),
    "photos:albums": Expected(200),
    "photos:album-new": Expected(REFUSED, 422),
    "photos:album": Expected(200),
    "photos:album-rename": Expected(REFUSED, 422),
    "photos:album-delete": Expected(REFUSED, 302),
    "photos:album-cover": Expected(REFUSED, 302),
    "photos:album-remove": Expected(REFUSED, 302),
    "photos:favourite": Expected(REFUSED, 302),
    "photos:add-to-album": Expected(REFUSED, 302),
    "photos:set-date": Expected(REFUSED, 302),
    "photos:download": Expected(REFUSED, 302),
    "photos:move-to-trash": Expected(REFUSED, 302),
    "photos:undo-act": Expected(REFUSED, 302),
    "photos:trash": Expected(200),
    "photos:trash-restore": Expected(REFUSED, 302),
    "photos:trash-delete": Expected(REFUSED, 302),
    "photos:upload": Expected(200, 422),
    "photos:batches": Expected(REFUSED, 422),
    "photos:batch": Expected(200),
    "photos:batch-card": Expected(200),
    "photos:batch-expect": Expected(REFUSED, 422),
    "photos:batch-file": Expected(REFUSED, 400),
    "photos:batch-album": Expected(200, 302),
    "photos:batch-state": Expected(REFUSED, 302),
    "photos:batch-retry": Expected(REFUSED, 302),
    "photos:retry-all": Expected(REFUSED, 302),
    "photos:retry": Expected(REFUSED, 302),
    "photos:small": Expected(200),
    "photos:large": Expected(200),
    "photos:original": Expected(200),
    "photos:originals": Expected(200),
    "photos:status": Expected(200),
    "photos:healthz": Expected(200, stranger=(200, REFUSED)),
    "ready": Expected(200, stranger=(200, REFUSED)),
    "metrics": Expected(200, stranger=(200, REFUSED)),  # to programs of the same machine
    # People and faces
    "people:index": Expected(200),
    "people:names": Expected(200),
    "people:together": Expected(REFUSED, 302),
    "people:merge": Expected(200, 200),
    "people:answer-same": Expected(REFUSED, 302),
    "people:unnamed": Expected(404),
    "people:count-singles": Expected(200),
    "people:in-these": Expected(200, 302),
    "people:in-album": Expected(200),
    "people:strip": Expected(200),
    "people:person": Expected(200),
    "people:edit": Expected(REFUSED, 302),
    "people:hide": Expected(REFUSED, 302),
    "people:split": Expected(200, 302),
    "people:change-faces": Expected(REFUSED, 302),
    "people:forget": Expected(200, 422),
    "people:delete-face-data": Expected(200, 422),
    "people:naming": Expected(200, 422),
    "people:learning": Expected(302, 302),
    "people:model-cards": Expected(200),
    "people:take-back": Expected(REFUSED, 302),
    "people:delete-account": Expected(200, 422),
    "people:names-csv": Expected(200),
    "people:names-json": Expected(200),
    "people:map": Expected(200),
    "people:new-faces": Expected(204),  # nobody new
    "people:group": Expected(200),
    "people:name-group": Expected(REFUSED, 302),
    "people:hide-group": Expected(REFUSED, 302),
    "people:split-off": Expected(REFUSED, 302),
    "people:split-group": Expected(200, 302),
    "people:review": Expected(200),
    "people:answer": Expected(REFUSED, 302),
    "people:pile": Expected(404),
    "people:question-count": Expected(200),
    "people:recognise": Expected(200, 400),
    "people:search": Expected(200),
    "people:search-offers": Expected(200),
    "people:save-search": Expected(REFUSED, 302),
    "people:drop-search": Expected(REFUSED, 302),
    "people:history": Expected(200),
    "people:undo-last": Expected(REFUSED, 302),
    "people:redo-last": Expected(REFUSED, 302),
    "people:undo": Expected(REFUSED, 302),
    "people:undo-later": Expected(REFUSED, 302),
    "people:photo": Expected(200),
    "people:repeat": Expected(REFUSED, 302),
    "people:draw": Expected(REFUSED, 302),
    "people:ignore-others": Expected(REFUSED, 302),
    "people:alike": Expected(200),
    "people:like": Expected(200),
    "people:crop": Expected(200),
    "people:name-face": Expected(REFUSED, 302),
    "people:answer-face": Expected(REFUSED, 404),
    "people:remove-name": Expected(REFUSED, 302),
    "people:ignore-face": Expected(REFUSED, 302),
}
