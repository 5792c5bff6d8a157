-- Pairs of the same bound (:'same_bound') and those with a coarser partner (:'result'), numbered anew, the largest first;
-- and what is still unpaired, with the partitions that hold some of its keys where there are several.
WITH pair AS (
  SELECT e, row_number() OVER (ORDER BY (e ->> 'bytes')::float8 DESC, (e ->> 'referencing_oid')::bigint) AS number
    FROM jsonb_array_elements(:'same_bound'::jsonb || :'result'::jsonb) e
), overlap AS (
  SELECT * FROM jsonb_to_recordset(:'overlaps'::jsonb) AS o(referencing_oid oid, referenced_oid oid, referenced_name text, contained boolean)
)
SELECT coalesce((SELECT jsonb_agg(e || jsonb_build_object('pair', number) ORDER BY number) FROM pair), '[]') AS pairs,
       coalesce((SELECT jsonb_agg(u || coalesce((SELECT jsonb_build_object('heldBy', jsonb_agg(o.referenced_name ORDER BY o.referenced_oid))
                                                   FROM overlap o
                                                  WHERE o.referencing_oid = (u ->> 'oid')::oid AND u ->> 'side' = 'referencing'
                                                 HAVING count(*) > 0), '{}') ORDER BY n)
                   FROM jsonb_array_elements(:'unpaired'::jsonb) WITH ORDINALITY x(u, n)
                  WHERE NOT EXISTS (SELECT FROM overlap o
                                     WHERE o.contained AND (u ->> 'oid')::oid = CASE u ->> 'side' WHEN 'referencing' THEN o.referencing_oid ELSE o.referenced_oid END)),
                '[]') AS unpaired \gset
