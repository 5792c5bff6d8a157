-- A name as SQL writes it, taken apart: ["schema", "table"] or ["table"].
SELECT to_jsonb(parse_ident(:'name'::text)) AS parts;
