-- Where a text holds a user or a password of a connection, as a regular expression without regard to case. In short what
-- core/contracts/credentials.ts asks; a test compares the two.
\set credentials '(password|passwd|pwd)(["'']?[[:space:]]*=|["''][[:space:]]*:)|://[^/?#:@[:space:]]*(:[^[:space:]]*)?@|postgres(ql)?://([^@/]*@|[^@/?#[:space:]]*:.*@)'
