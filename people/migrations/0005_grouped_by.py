"""Remembers which faces grouping has looked at."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0004_lost_faces'),
    ]

    operations = [
        migrations.AddField(
            model_name='face',
            name='grouped_by',
            field=models.CharField(blank=True, default='', max_length=50),
        ),
    ]
