"""What many people at once make of a running Kith: pages while photos arrive, a thousand photos, hours of it."""
