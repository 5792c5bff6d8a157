-- Whether a parent FK on these columns exists, with any actions: then pair FKs are an addition, and not the only guard.
-- not null: stands
SELECT EXISTS (
         SELECT 1
           FROM pg_constraint c
          WHERE c.conrelid = :'table_oid'::oid AND c.confrelid = :'referenced_oid'::oid AND c.contype = 'f' AND c.conparentid = 0
            AND (SELECT jsonb_agg(a.attname ORDER BY a.attname)
                   FROM unnest(c.conkey) k(attnum) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum)
                = (SELECT jsonb_agg(e ORDER BY e COLLATE "C") FROM jsonb_array_elements_text(:'column_names'::jsonb) e)) AS stands;
