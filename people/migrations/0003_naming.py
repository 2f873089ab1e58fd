"""Questions ranked beforehand, what a library taught us, and acts on pairs of people or of groups."""

import django.db.models.deletion
import pgvector.django.vector
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('people', '0002_two_models'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='change',
            name='side',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='decision',
            name='other',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='people.person'),
        ),
        migrations.AddField(
            model_name='suggestion',
            name='probability',
            field=models.FloatField(default=0),
        ),
        migrations.AddField(
            model_name='upkeep',
            name='failures',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='upkeep',
            name='retry_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='decision',
            name='verb',
            field=models.CharField(choices=[('confirm', 'confirmed'), ('reject', 'said no'), ('ignore', 'set aside'), ('show', 'asked about again'), ('remove', 'took the name off'), ('merge', 'merged'), ('import', 'imported names'), ('same', 'said these are one person'), ('different', 'said these are two people'), ('repeat', 'said a photo shows somebody more than once'), ('regroup', 'grouped'), ('tag', 'named by itself'), ('undo', 'undid')], max_length=10),
        ),
        migrations.CreateModel(
            name='Library',
            fields=[
                ('owner', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='library', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('centre', pgvector.django.vector.VectorField(blank=True, null=True)),
                ('centre_model', models.CharField(blank=True, max_length=50)),
                ('centre_groups', models.PositiveIntegerField(default=0)),
                ('calibration', models.JSONField(blank=True, null=True)),
                ('is_tagging', models.BooleanField(default=False)),
                ('one_wrong_in', models.PositiveIntegerField(default=200)),
            ],
            options={
                'verbose_name_plural': 'libraries',
                'constraints': [models.CheckConstraint(condition=models.Q(('one_wrong_in__gte', 2)), name='an_error_budget_is_a_share')],
            },
        ),
        migrations.CreateModel(
            name='Question',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('person', 'Is this Ann?'), ('group', 'Who is this?'), ('same', 'Same person?')], max_length=6)),
                ('faces', models.PositiveIntegerField()),
                ('answers', models.FloatField()),
                ('worth', models.FloatField()),
                ('is_stranger', models.BooleanField(default=False)),
                ('cluster', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='people.cluster')),
                ('other_cluster', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='people.cluster')),
                ('other_person', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='people.person')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='questions', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='people.person')),
            ],
            options={
                'indexes': [models.Index(fields=['owner', 'is_stranger', '-worth'], name='question_queue')],
            },
        ),
    ]
