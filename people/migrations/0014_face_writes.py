"""Which faces were written when is noted by PostgreSQL: workers keep faces in memory, and read again what changed."""

import django.db.models.functions.datetime
from django.db import migrations, models

NOTE = """
    CREATE FUNCTION people_note_face_writes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        INSERT INTO people_facewrite (transaction, face)
            SELECT pg_current_xact_id()::text::bigint, id FROM written
            ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$;
    CREATE TRIGGER note_faces_inserted AFTER INSERT ON people_face
        REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION people_note_face_writes();
    CREATE TRIGGER note_faces_changed AFTER UPDATE ON people_face
        REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION people_note_face_writes();
    CREATE TRIGGER note_faces_deleted AFTER DELETE ON people_face
        REFERENCING OLD TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION people_note_face_writes();
"""
NOTE_NO_MORE = """
    DROP TRIGGER note_faces_inserted ON people_face;
    DROP TRIGGER note_faces_changed ON people_face;
    DROP TRIGGER note_faces_deleted ON people_face;
    DROP FUNCTION people_note_face_writes();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0013_faces_away'),
    ]

    operations = [
        migrations.CreateModel(
            name='FaceWrite',
            fields=[
                ('pk', models.CompositePrimaryKey('transaction', 'face', blank=True, editable=False, primary_key=True, serialize=False)),
                ('transaction', models.BigIntegerField()),
                ('face', models.BigIntegerField()),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.RunSQL(NOTE, NOTE_NO_MORE),
    ]
