"""What a large library is counted and listed by."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0005_grouped_by'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='face',
            index=models.Index(condition=Q(person__isnull=False), fields=['person', '-quality', 'id'], include=['photo'], name='face_of_person'),
        ),
        migrations.AddIndex(
            model_name='face',
            index=models.Index(condition=Q(is_ignored=False, person=None), fields=['cluster', '-quality', 'id'], include=['photo'], name='face_of_group'),
        ),
        migrations.AddIndex(
            model_name='face',
            index=models.Index(condition=Q(is_ignored=False, person=None), fields=['-quality', 'id'], name='face_waiting'),
        ),
        migrations.AlterField(
            model_name='face',
            name='person',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='faces', to='people.person'),
        ),
    ]
