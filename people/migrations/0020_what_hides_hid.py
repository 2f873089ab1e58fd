from django.db import migrations, models


def remember(apps, schema_editor):
    """What each act hid, as far as nothing has hidden it since."""
    decision = apps.get_model("people", "Decision")
    for name, kind in (("Person", "hides_people"), ("Cluster", "hides_groups")):
        through, row = getattr(decision, kind).through, name.lower()
        hidden = apps.get_model("people", name).objects.exclude(hidden_by=None).values_list("hidden_by", "pk")
        through.objects.bulk_create(
            (through(**{"decision_id": act, f"{row}_id": pk}) for act, pk in hidden.iterator()), batch_size=5000
        )


class Migration(migrations.Migration):

    dependencies = [
        ("people", "0019_single_faces_by_an_index"),
    ]

    operations = [
        migrations.AddField(
            model_name="decision",
            name="hides_groups",
            field=models.ManyToManyField(related_name="+", to="people.cluster"),
        ),
        migrations.AddField(
            model_name="decision",
            name="hides_people",
            field=models.ManyToManyField(related_name="+", to="people.person"),
        ),
        migrations.AlterField(
            model_name="cluster",
            name="hidden_by",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=models.deletion.SET_NULL, related_name="+", to="people.decision"
            ),
        ),
        migrations.AlterField(
            model_name="person",
            name="hidden_by",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=models.deletion.SET_NULL, related_name="+", to="people.decision"
            ),
        ),
        migrations.RunPython(remember, migrations.RunPython.noop),
    ]
