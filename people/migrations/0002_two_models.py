"""Faces of two models side by side: projections of any length, and an index that finds those of another model."""

import pgvector.django.halfvec
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="face",
            name="projection",
            field=pgvector.django.halfvec.HalfVectorField(),
        ),
        migrations.AddIndex(
            model_name="face",
            index=models.Index(fields=["model", "photo"], name="face_model"),
        ),
    ]
