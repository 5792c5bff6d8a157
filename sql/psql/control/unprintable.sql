-- Characters that a terminal would interpret or not show: control characters, including 8-bit ones, line separators, and what
-- Unicode calls Cf (format characters, among them the marks that change the direction of writing) and
-- Default_Ignorable_Code_Point (invisible characters). As a regular expression; each is printed as ?, in everything that \echo or
-- RAISE prints. PostgreSQL does not have these properties: core/contracts/safe-text.ts takes them from Unicode, and a test
-- compares the two. Without the soft hyphen, whose code is a letter in databases with the encodings WIN866 and WIN874.
\set unprintable '[[:cntrl:]\\u034f\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb\\U000110bd\\U000110cd\\U00013430-\\U0001343f\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff]'
