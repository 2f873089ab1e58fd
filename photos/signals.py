"""What photos announces. Others listen; photos does not know them."""

from django.dispatch import Signal

# Sent with owner_id, after the commit: photos of this owner are ready for the next stage.
photos_ready = Signal()

# Sent with owner_id and photos, primary keys, in the transaction: these go into the trash, come back from it, or are
# deleted for good right afterwards.
photos_trashed = Signal()
photos_restored = Signal()
photos_deleting = Signal()
