-- A case-insensitive regular expression for text that contains a user or a password of a connection. A shorter form of
-- core/contracts/credentials.ts; a test compares the two.
\set credentials '(password|passwd|pwd)(["'']?[[:space:]]*=|["''][[:space:]]*:)|://[^/?#:@[:space:]]*(:[^[:space:]]*)?@|postgres(ql)?://([^@/]*@|[^@/?#[:space:]]*:.*@)'
