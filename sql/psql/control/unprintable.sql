-- What a terminal would obey: control characters, 8-bit ones too, and marks that end a line or turn the direction of writing. As a
-- regular expression; each is printed as ?, in all that reaches \echo or RAISE.
\set unprintable '[[:cntrl:]\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]'
