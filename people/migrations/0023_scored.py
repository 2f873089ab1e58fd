"""What suggestions went by is kept, and PostgreSQL notes of more that is written which faces it is about."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# A face may be written several times by one transaction: what it was before the first one counts.
NOTE_FACES = """
    CREATE OR REPLACE FUNCTION people_note_face_writes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        INSERT INTO people_facewrite (transaction, face, photo, cluster, person)
            SELECT pg_current_xact_id()::text::bigint, id, photo_id, cluster_id,
                CASE WHEN tagged_by = 'user' THEN person_id END
            FROM written
            ON CONFLICT (transaction, face) DO UPDATE
                SET photo = EXCLUDED.photo, cluster = EXCLUDED.cluster, person = EXCLUDED.person
                WHERE people_facewrite.photo IS NULL;
        RETURN NULL;
    END $$;
    DROP TRIGGER note_faces_changed ON people_face;
    CREATE TRIGGER note_faces_changed AFTER UPDATE ON people_face
        REFERENCING OLD TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION people_note_face_writes();
"""
NOTE_FACES_AS_BEFORE = """
    CREATE OR REPLACE FUNCTION people_note_face_writes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        INSERT INTO people_facewrite (transaction, face)
            SELECT pg_current_xact_id()::text::bigint, id FROM written
            ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$;
"""
# Who suggests knows what it writes (people.suggestions).
NOTE_SUGGESTIONS = """
    CREATE FUNCTION people_note_suggestion_writes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        IF current_setting('kith.suggesting', true) = 'on' THEN
            RETURN NULL;
        END IF;
        INSERT INTO people_facewrite (transaction, face)
            SELECT pg_current_xact_id()::text::bigint, face_id FROM written
            ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$;
    CREATE TRIGGER note_suggestions_inserted AFTER INSERT ON people_suggestion
        REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION people_note_suggestion_writes();
    CREATE TRIGGER note_suggestions_changed AFTER UPDATE ON people_suggestion
        REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION people_note_suggestion_writes();
    CREATE TRIGGER note_suggestions_deleted AFTER DELETE ON people_suggestion
        REFERENCING OLD TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION people_note_suggestion_writes();
"""
NOTE_SUGGESTIONS_NO_MORE = """
    DROP TRIGGER note_suggestions_inserted ON people_suggestion;
    DROP TRIGGER note_suggestions_changed ON people_suggestion;
    DROP TRIGGER note_suggestions_deleted ON people_suggestion;
    DROP FUNCTION people_note_suggestion_writes();
"""
NOTE_DATES = """
    CREATE FUNCTION people_note_photo_dates() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        INSERT INTO people_facewrite (transaction, face)
            SELECT pg_current_xact_id()::text::bigint, id FROM people_face WHERE photo_id = NEW.id
            ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$;
    CREATE TRIGGER note_photo_dates AFTER UPDATE OF taken_at, taken_at_source ON photos_photo FOR EACH ROW
        WHEN ((OLD.taken_at, OLD.taken_at_source) IS DISTINCT FROM (NEW.taken_at, NEW.taken_at_source))
        EXECUTE FUNCTION people_note_photo_dates();
"""
NOTE_DATES_NO_MORE = """
    DROP TRIGGER note_photo_dates ON photos_photo;
    DROP FUNCTION people_note_photo_dates();
"""


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('people', '0022_tallies'),
        ('photos', '0008_months'),
    ]

    operations = [
        migrations.CreateModel(
            name='Scored',
            fields=[
                ('owner', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='scored', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('at', models.DateTimeField()),
                ('horizon', models.BigIntegerField()),
                ('identity', models.JSONField()),
                ('basis', models.CharField(max_length=64)),
                ('said', models.BinaryField()),
                ('means', models.BinaryField()),
                ('confused', models.JSONField()),
                ('confirmed', models.PositiveIntegerField()),
                ('answers', models.PositiveBigIntegerField()),
            ],
        ),
        *[
            migrations.AddField('facewrite', name, models.BigIntegerField(blank=True, null=True))
            for name in ('photo', 'cluster', 'person')
        ],
        migrations.RunSQL(NOTE_FACES, NOTE_FACES_AS_BEFORE),
        migrations.RunSQL(NOTE_SUGGESTIONS, NOTE_SUGGESTIONS_NO_MORE),
        migrations.RunSQL(NOTE_DATES, NOTE_DATES_NO_MORE),
    ]
