"""Sentences that several cards share."""

from ml.cards.card import gettext_noop as _

NO_GROUPS_OF_PEOPLE = _(
    "Nothing in the labelled photos says how old somebody is, of which sex, or what colour their skin has. Errors by "
    "these are therefore not measured. The groups in the tables are those that the labels allow."
)
ON_THESE_PHOTOS = _(
    "Most of the photos measured on are of Labeled Faces in the Wild: press photos of 2002 to 2004 of adults, more "
    "men than women, few old people, hardly any children and no babies. Many peoples of the world are missing. The "
    "others are a small album of actors, celebrities and groups. All were collected from the web for research, and are "
    "not part of Kith."
)
FLATTERED = _(
    "Many of these people are famous and may have been in the training photos, which flatters every figure. Your own "
    "family was not."
)
SORTING = _("Sorting your own photos: faces of one person are grouped, and names are suggested for you to confirm.")
NO_PROOF = _("Proving who somebody is: at a door, a border, for a payment, in court or for the police.")
NO_WATCHING = _("Watching people, or looking for strangers in photos of others.")
NO_GUESSING = _("Guessing age, sex, origin, health or mood. No model here was made or measured for that.")
CHILDREN = _(
    "Children, babies and very old people are hardly in the training photos nor in those measured on. Expect more "
    "mistakes for them, and more between years of one childhood."
)
RELATIVES = _(
    "Relatives who look alike are confused more often than strangers. The labels say nothing of relatives, so nobody "
    "knows here how often."
)
OTHERS_FOUND = _(
    "The American institute NIST tested 189 other algorithms in 2019. With most of them two people were taken for one "
    "more often among women than among men, among the very young and the very old, and among people of African and "
    "East Asian origin. This model was not among them, and nothing says that it does better."
)
MOSTLY_WHITE = _("Studies of such collections of celebrities find that most of the people in them are white.")
NOT_SETTLED = _(
    "The photos were collected from the web for research, without asking the people in them. Whether their terms bind "
    "weights that were made of them is not settled."
)
NO_WEIGHTS_SHIPPED = _("Kith ships no weights. It fetches them once and checks their SHA-256.")
FACENET = "Schroff, Kalenichenko, Philbin: FaceNet, CVPR 2015"
LFW = "Huang et al.: Labeled Faces in the Wild, 2007"
NIST = "Grother, Ngan, Hanaoka: Face Recognition Vendor Test, part 3, NISTIR 8280, 2019"
FAIRFACE = "Kärkkäinen, Joo: FairFace, WACV 2021"
