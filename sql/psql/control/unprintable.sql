-- What a terminal would obey: control characters, 8-bit ones too, line separators, and all of Unicode's Bidi_Control, the marks that turn
-- the direction of writing. As a regular expression; each is printed as ?, in all that reaches \echo or RAISE. PostgreSQL knows no such
-- property: core/contracts/safe-text.ts takes it from Unicode, and a test compares the two.
\set unprintable '[[:cntrl:]\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]'
