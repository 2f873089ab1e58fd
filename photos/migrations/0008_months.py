"""PostgreSQL learns in how many months photos were taken: else it sorts all that match to count them by month."""

from django.db import migrations

KNOW_MONTHS = """
    CREATE STATISTICS photo_months ON date_trunc('month', taken_at AT TIME ZONE 'UTC') FROM photos_photo;
    ANALYZE photos_photo;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('photos', '0007_leases_name_their_worker'),
    ]

    operations = [
        migrations.RunSQL(KNOW_MONTHS, "DROP STATISTICS photo_months"),
    ]
