-- What cut the verified drop short: its own budget (57014, 55P03), or something else.
SELECT CASE WHEN :'sqlstate' IN ('57014', '55P03')
            THEN format('the verified drop did not fit into the lock budget of %s ms; it was rolled back: run step 3 again, in a calmer moment or with a larger lock_timeout_ms', :'lock_timeout_ms')
            ELSE format('the verified drop was rolled back: %s', :'failure') END AS refusal,
       CASE WHEN :'sqlstate' IN ('57014', '55P03') THEN 'LockTimeout' ELSE 'StatementFailed' END AS error_name \gset
