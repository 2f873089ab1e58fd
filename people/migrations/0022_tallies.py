"""Faces and photos of people, groups and photos are counted by PostgreSQL: a page of a large library waits for it."""

import django.db.models.deletion
from django.db import migrations, models

# Of what is given counted again, from the faces themselves. First each row is held, in order of its key: who writes
# other faces of the same one waits, and counts after us what we wrote. LATERAL: one by one, each by its index; a join of
# all of them at once reads every face there is.
COUNT = """
    CREATE FUNCTION people_tally(people bigint[], clusters bigint[], photos bigint[])
        RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        IF people IS NOT NULL THEN
            INSERT INTO people_persontally AS held (person_id, faces, photos)
                SELECT id, 0, 0 FROM unnest(people) AS touched(id) ORDER BY id
                ON CONFLICT (person_id) DO UPDATE SET faces = held.faces;
            UPDATE people_persontally AS tally SET faces = counted.faces, photos = counted.photos
                FROM unnest(people) AS touched(id) CROSS JOIN LATERAL (
                    SELECT count(*) AS faces, count(DISTINCT face.photo_id) AS photos FROM people_face AS face
                    WHERE face.person_id = touched.id AND NOT face.is_away) AS counted
                WHERE tally.person_id = touched.id;
            DELETE FROM people_persontally WHERE person_id = ANY (people) AND faces = 0;
        END IF;
        IF clusters IS NOT NULL THEN
            INSERT INTO people_grouptally AS held (cluster_id, faces, photos)
                SELECT id, 0, 0 FROM unnest(clusters) AS touched(id) ORDER BY id
                ON CONFLICT (cluster_id) DO UPDATE SET faces = held.faces;
            UPDATE people_grouptally AS tally SET faces = counted.faces, photos = counted.photos
                FROM unnest(clusters) AS touched(id) CROSS JOIN LATERAL (
                    SELECT count(*) AS faces, count(DISTINCT face.photo_id) AS photos FROM people_face AS face
                    WHERE face.cluster_id = touched.id
                        AND face.person_id IS NULL AND NOT face.is_ignored AND NOT face.is_away) AS counted
                WHERE tally.cluster_id = touched.id;
            DELETE FROM people_grouptally WHERE cluster_id = ANY (clusters) AND faces = 0;
        END IF;
        IF photos IS NOT NULL THEN
            INSERT INTO people_phototally AS held (photo_id, faces, unnamed)
                SELECT id, 0, 0 FROM unnest(photos) AS touched(id) ORDER BY id
                ON CONFLICT (photo_id) DO UPDATE SET faces = held.faces;
            UPDATE people_phototally AS tally SET faces = counted.faces, unnamed = counted.unnamed
                FROM unnest(photos) AS touched(id) CROSS JOIN LATERAL (
                    SELECT count(*) AS faces, count(*) FILTER (WHERE face.person_id IS NULL) AS unnamed
                    FROM people_face AS face
                    WHERE face.photo_id = touched.id AND NOT face.is_ignored AND NOT face.is_away) AS counted
                WHERE tally.photo_id = touched.id;
            DELETE FROM people_phototally WHERE photo_id = ANY (photos) AND faces = 0;
        END IF;
    END $$;
"""
# What a statement touched. Most write nothing that is counted: vectors, and that grouping has looked at a face.
NOTICE = """
    CREATE FUNCTION people_tally_written() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        PERFORM people_tally(
            array_agg(DISTINCT person_id) FILTER (WHERE person_id IS NOT NULL),
            array_agg(DISTINCT cluster_id) FILTER (WHERE cluster_id IS NOT NULL),
            array_agg(DISTINCT photo_id) FILTER (WHERE NOT is_ignored)
        ) FROM written WHERE NOT is_away;
        RETURN NULL;
    END $$;
    CREATE FUNCTION people_tally_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    DECLARE
        people bigint[];
        clusters bigint[];
        photos bigint[];
    BEGIN
        -- What counts of a face before and after, unless that is the same. Not a join of the two: its plan is kept,
        -- and one that was made for a single face takes seconds for thousands.
        SELECT array_agg(DISTINCT person_id) INTO people FROM (
            SELECT person_id FROM (
                SELECT id, person_id, cluster_id, photo_id, is_ignored, is_away FROM was
                UNION ALL SELECT id, person_id, cluster_id, photo_id, is_ignored, is_away FROM written
            ) AS states
            WHERE person_id IS NOT NULL AND NOT is_away
            GROUP BY id, person_id, photo_id HAVING count(*) = 1
        ) AS changed;
        SELECT array_agg(DISTINCT cluster_id) INTO clusters FROM (
            SELECT cluster_id FROM (
                SELECT id, person_id, cluster_id, photo_id, is_ignored, is_away FROM was
                UNION ALL SELECT id, person_id, cluster_id, photo_id, is_ignored, is_away FROM written
            ) AS states
            WHERE cluster_id IS NOT NULL AND person_id IS NULL AND NOT is_ignored AND NOT is_away
            GROUP BY id, cluster_id, photo_id HAVING count(*) = 1
        ) AS changed;
        SELECT array_agg(DISTINCT photo_id) INTO photos FROM (
            SELECT photo_id FROM (
                SELECT id, person_id, cluster_id, photo_id, is_ignored, is_away FROM was
                UNION ALL SELECT id, person_id, cluster_id, photo_id, is_ignored, is_away FROM written
            ) AS states
            WHERE NOT is_ignored AND NOT is_away
            GROUP BY id, photo_id, person_id IS NULL HAVING count(*) = 1
        ) AS changed;
        PERFORM people_tally(people, clusters, photos);
        RETURN NULL;
    END $$;
    CREATE TRIGGER tally_faces_inserted AFTER INSERT ON people_face
        REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION people_tally_written();
    CREATE TRIGGER tally_faces_changed AFTER UPDATE ON people_face
        REFERENCING OLD TABLE AS was NEW TABLE AS written
        FOR EACH STATEMENT EXECUTE FUNCTION people_tally_changed();
    CREATE TRIGGER tally_faces_deleted AFTER DELETE ON people_face
        REFERENCING OLD TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION people_tally_written();
"""
NOTICE_NO_MORE = """
    DROP TRIGGER tally_faces_inserted ON people_face;
    DROP TRIGGER tally_faces_changed ON people_face;
    DROP TRIGGER tally_faces_deleted ON people_face;
    DROP FUNCTION people_tally_changed();
    DROP FUNCTION people_tally_written();
"""
FILL = """
    INSERT INTO people_persontally (person_id, faces, photos)
        SELECT person_id, count(*), count(DISTINCT photo_id) FROM people_face
        WHERE person_id IS NOT NULL AND NOT is_away GROUP BY person_id;
    INSERT INTO people_grouptally (cluster_id, faces, photos)
        SELECT cluster_id, count(*), count(DISTINCT photo_id) FROM people_face
        WHERE cluster_id IS NOT NULL AND person_id IS NULL AND NOT is_ignored AND NOT is_away GROUP BY cluster_id;
    INSERT INTO people_phototally (photo_id, faces, unnamed)
        SELECT photo_id, count(*), count(*) FILTER (WHERE person_id IS NULL) FROM people_face
        WHERE NOT is_ignored AND NOT is_away GROUP BY photo_id;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0021_own_projection'),
        ('photos', '0008_months'),
    ]

    operations = [
        migrations.CreateModel(
            name='GroupTally',
            fields=[
                ('cluster', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='tally', serialize=False, to='people.cluster')),
                ('faces', models.PositiveIntegerField()),
                ('photos', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='PersonTally',
            fields=[
                ('person', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='tally', serialize=False, to='people.person')),
                ('faces', models.PositiveIntegerField()),
                ('photos', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='PhotoTally',
            fields=[
                ('photo', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='tally', serialize=False, to='photos.photo')),
                ('faces', models.PositiveSmallIntegerField()),
                ('unnamed', models.PositiveSmallIntegerField()),
            ],
        ),
        migrations.RunSQL(COUNT, "DROP FUNCTION people_tally(bigint[], bigint[], bigint[]);"),
        migrations.RunSQL(NOTICE, NOTICE_NO_MORE),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
