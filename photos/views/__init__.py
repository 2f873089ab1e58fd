"""Pages and actions on photos, albums and uploads."""
