from django.db import migrations, models


def note(apps, schema_editor):
    """Who was shown again so far: an act of the machine for each owner, so that an undo before it changes nothing."""
    decision = apps.get_model("people", "Decision")
    for name, kind in (("Person", "hides_people"), ("Cluster", "hides_groups")):
        hidden_once = apps.get_model("people", name).objects.filter(hidden_by__is_in_force=True, is_hidden=False)
        for owner in hidden_once.order_by().values_list("owner", flat=True).distinct():
            rows = hidden_once.filter(owner=owner)
            act = decision.objects.create(owner_id=owner, actor=None, verb="unhide")
            getattr(act, kind).set(rows)
            rows.update(hidden_by=act)


class Migration(migrations.Migration):

    dependencies = [
        ("people", "0023_scored"),
    ]

    operations = [
        migrations.AlterField(
            model_name="decision",
            name="verb",
            field=models.CharField(
                choices=[
                    ("confirm", "confirmed"),
                    ("reject", "said no"),
                    ("ignore", "set aside"),
                    ("show", "asked about again"),
                    ("no_face", "said this is no face"),
                    ("draw", "drew a face"),
                    ("remove", "took the name off"),
                    ("merge", "merged"),
                    ("split", "split"),
                    ("hide", "hid"),
                    ("unhide", "brought back"),
                    ("import", "imported names"),
                    ("same", "said these are one person"),
                    ("different", "said these are two people"),
                    ("repeat", "said a photo shows somebody more than once"),
                    ("regroup", "grouped"),
                    ("tag", "named by itself"),
                    ("undo", "undid"),
                ],
                max_length=10,
            ),
        ),
        migrations.RunPython(note, migrations.RunPython.noop),
    ]
