-- Which of :'schemas' do not exist in this database. Reads pg_catalog only.
-- not null: name
SELECT s.name
  FROM jsonb_array_elements_text(:'schemas'::jsonb) s(name)
 WHERE NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname::text = s.name)
