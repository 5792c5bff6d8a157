-- The parts of a name written as in SQL: ["schema", "table"] or ["table"].
-- not null: parts
-- types: parts string[]
SELECT to_jsonb(parse_ident(:'name'::text)) AS parts;
