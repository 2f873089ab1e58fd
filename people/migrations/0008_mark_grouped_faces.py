"""Faces that waited for a name until now have been looked at by grouping: it did so with every run."""

from django.db import migrations

MARK = "UPDATE people_face SET grouped_by = model WHERE person_id IS NULL AND NOT is_ignored"


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0007_queue'),
    ]

    operations = [
        migrations.RunSQL(MARK, migrations.RunSQL.noop),
    ]
