-- Runs :change_sql under the locks that lock.sql took, with the caller's search_path; if it fails, the script ends.
SELECT jsonb_build_array(:'change_sql') AS statements \gset
\ir change-all.sql
