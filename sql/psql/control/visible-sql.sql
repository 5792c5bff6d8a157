-- Sets :visible to :text, SQL that PostgreSQL has quoted, without characters that a terminal would interpret or not show, and with the
-- same meaning: a name or a string that has such a character is written as U&"..." or U&'...'; one of the form E'...' has its own
-- escape. A line break between the words is ours and stays.
SELECT coalesce(string_agg(
         CASE WHEN t.part[1] !~ :'unprintable' THEN t.part[1]
              WHEN length(t.part[1]) = 1 THEN CASE t.part[1] WHEN chr(10) THEN chr(10) ELSE ' ' END
              WHEN t.part[1] ~ '^E' THEN (SELECT string_agg(CASE WHEN c.letter !~ :'unprintable' THEN c.letter
                                                                WHEN ascii(c.letter) > 65535 THEN $re$\U$re$ || lpad(to_hex(ascii(c.letter)), 8, '0')
                                                                ELSE $re$\u$re$ || lpad(to_hex(ascii(c.letter)), 4, '0') END, '' ORDER BY c.n)
                                           FROM regexp_split_to_table(t.part[1], '') WITH ORDINALITY c(letter, n))
              ELSE 'U&' || (SELECT string_agg(CASE WHEN c.letter = $re$\$re$ THEN $re$\\$re$
                                                   WHEN c.letter !~ :'unprintable' THEN c.letter
                                                   WHEN ascii(c.letter) > 65535 THEN $re$\+$re$ || lpad(to_hex(ascii(c.letter)), 6, '0')
                                                   ELSE $re$\$re$ || lpad(to_hex(ascii(c.letter)), 4, '0') END, '' ORDER BY c.n)
                              FROM regexp_split_to_table(t.part[1], '') WITH ORDINALITY c(letter, n)) END, '' ORDER BY t.n), '') AS visible
  FROM regexp_matches(:'text', $re$"(?:[^"]|"")*"|E'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|.$re$, 'g') WITH ORDINALITY AS t(part, n) \gset
