-- :took_ms for people, in :took: 00:00:42, and below one second 00:00:00.023.
SELECT to_char(make_interval(secs => round(:'took_ms'::numeric)::float8 / 1000),
               CASE WHEN round(:'took_ms'::numeric) < 1000 THEN 'HH24:MI:SS.MS' ELSE 'HH24:MI:SS' END) AS took \gset
