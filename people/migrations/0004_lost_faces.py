"""Faces the ledger has lost the row of are found by their photo."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0003_naming'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='change',
            index=models.Index(condition=models.Q(('face', None)), fields=['photo_sha256'], name='change_without_face'),
        ),
    ]
