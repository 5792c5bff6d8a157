-- Characters that a terminal would interpret: control characters, including 8-bit ones, line separators, and all of Unicode's
-- Bidi_Control, the marks that change the direction of writing. As a regular expression; each is printed as ?, in everything that
-- \echo or RAISE prints. PostgreSQL does not have this property: core/contracts/safe-text.ts takes it from Unicode, and a test
-- compares the two.
\set unprintable '[[:cntrl:]\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]'
