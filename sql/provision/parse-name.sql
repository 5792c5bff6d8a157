-- A name as SQL writes it, taken apart: ["schema", "table"] or ["table"].
-- not null: parts
-- types: parts string[]
SELECT to_jsonb(parse_ident(:'name'::text)) AS parts;
