/**
 * The list of safety rules: each is removed in turn, and a test has to fail. `npm run test:mutants` runs it; docs/testing.md
 * says how to add one.
 */

/** One rule, how it is removed, and the test that notices. */
export interface Mutant {
  /** What the rule protects from; one line. */
  readonly rule: string;
  /** Repository path of the file that holds it. SQL counts, too. */
  readonly file: string;
  /** Text that is in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Repository path of the test file. */
  readonly test: string;
  /** The test's own title, without those of its `describe` blocks. */
  readonly title: string;
}

const FENCE_TESTS = 'test/core/steps/fence.test.ts';
const CONNECTION_TESTS = 'test/core/libpq.test.ts';
const GATE_TESTS = 'test/core/steps/gate.test.ts';
const SIGNATURE_TESTS = 'test/local/signature.test.ts';
const TRUST_TESTS = 'test/core/ledger/trust.test.ts';
const LOST_LEDGER_TESTS = 'test/audit/lost-ledger.test.ts';
const PEOPLE_TESTS = 'test/core/steps/people.test.ts';
const PARTITION_SET_TESTS = 'test/core/steps/partition-set.test.ts';

const IDENTITY_TESTS = 'test/core/ledger/identity.test.ts';
const STANDBY_TESTS = 'test/core/steps/standbys.test.ts';
const STANDBY_READERS_TESTS = 'test/core/standby-readers.test.ts';

export const MUTANTS: readonly Mutant[] = [
  {
    rule: 'readers on standbys are asked before an exclusive lock of an execution',
    file: 'core/lock-budget.ts',
    find: "if (lock.mode === 'ACCESS EXCLUSIVE')",
    replace: 'if (false as boolean)',
    test: STANDBY_TESTS,
    title: 'the drop and its rehearsal are not tried where it is named, and no reader waits',
  },
  {
    rule: 'readers on standbys are asked before an exclusive lock of a command',
    file: 'core/online-change.ts',
    find: 'if (exclusive.length > 0) await requireFreeReaders',
    replace: 'if (exclusive.length < 0) await requireFreeReaders',
    test: STANDBY_TESTS,
    title: 'a change by a person’s command is tried again, and then made',
  },
  {
    rule: 'readers on standbys are asked before an index is dropped',
    file: 'core/steps/drop-pair-foreign-keys.ts',
    find: 'await requireFreeReaders(client, { relations: [pair.referencing_oid], budgetMs: lockBudgetMs, step: STEP });',
    replace: '',
    test: STANDBY_TESTS,
    title: 'an index is not dropped, because the replay of its last lock would wait for readers of the table',
  },
  {
    rule: 'a session on a reader counts by its partitions too',
    file: 'sql/checks/reader-holders.sql',
    find: 'JOIN pg_inherits i ON i.inhparent = t.oid',
    replace: 'JOIN pg_inherits i ON i.inhparent = t.oid AND false',
    test: STANDBY_TESTS,
    title: 'a partition that is in no pair is asked after, too',
  },
  {
    rule: 'a reader is a standby of this very database',
    file: 'core/readers.ts',
    find: 'if (isSame && here.databaseOid === there.databaseOid && in_recovery) return;',
    replace: 'return;',
    test: STANDBY_TESTS,
    title: 'is refused by the plan, and so is what is no standby of this database',
  },
  {
    rule: "Aurora's function is called in pg_catalog alone",
    file: 'sql/checks/aurora-replicas.sql',
    find: 'FROM pg_catalog.aurora_replica_status() s',
    replace: 'FROM public.aurora_replica_status() s',
    test: STANDBY_READERS_TESTS,
    title: 'its own function names the readers, and tells their lag',
  },
  {
    rule: "Aurora's function is called only where a superuser owns it",
    file: 'sql/checks/aurora-replicas.sql',
    find: 'AND r.rolsuper AND',
    replace: 'AND',
    test: STANDBY_READERS_TESTS,
    title: 'neither is one that a role other than a superuser has put into pg_catalog',
  },
  {
    rule: 'a ledger of another cluster, or of a database with another oid, is not used',
    file: 'sql/ledger/link.sql',
    find: `WHEN m.database_oid <> h.oid OR m.system_identifier <> h.cluster THEN 'elsewhere'`,
    replace: `WHEN m.database_oid <> h.oid AND m.system_identifier <> h.cluster THEN 'elsewhere'`,
    test: IDENTITY_TESTS,
    title: 'of another cluster is known by the system identifier, also where its names and oids are the same',
  },
  {
    rule: 'an endpoint that the ledger does not know is confirmed before anything is written',
    file: 'core/ledger-identity.ts',
    find: 'if (!link.endpointKnown && link.busy) throw',
    replace: 'if (!link.endpointKnown && !link.busy) throw',
    test: IDENTITY_TESTS,
    title: 'is confirmed once before anything is written, and told where something is read',
  },
  {
    rule: 'a step runs only in the database that its execution was planned in',
    file: 'lambdas/handler.ts',
    find: 'if (planned) await requirePlannedDatabase(client, planned);',
    replace: '',
    test: IDENTITY_TESTS,
    title: 'belongs to nobody who worked on the original: neither their steps nor their approval count',
  },
  {
    rule: 'a restored ledger is linked only where the pair FKs are as it says',
    file: 'sql/ledger/relink.sql',
    find: 'ELSIF stands IS NULL THEN',
    replace: 'ELSIF false THEN',
    test: IDENTITY_TESTS,
    title: 'is refused by every command, until --relink has compared it; then it can be rolled back',
  },
  {
    rule: 'what a default, a trigger or an index of the ledger calls has to belong to a trusted role',
    file: 'sql/ledger/state.sql',
    find: '   WHERE u.owner IS NOT NULL AND NOT EXISTS',
    replace: '   WHERE u.owner IS NULL AND NOT EXISTS',
    test: TRUST_TESTS,
    title: 'whatever is left behind in a ledger of a superuser’s',
  },
  {
    rule: 'the schema and all that is in it has to belong to a trusted role',
    file: 'sql/ledger/state.sql',
    find: `   WHERE NOT EXISTS (SELECT FROM trusted t WHERE t.oid OPERATOR(pg_catalog.=) o.owner)`,
    replace: '   WHERE false',
    test: TRUST_TESTS,
    title: 'an empty schema',
  },
  {
    rule: 'FOR KEY SHARE in p2pfk.enter: the fence waits for a forward transaction that has come in',
    file: 'sql/ledger/functions.sql',
    find: `  SELECT fenced_at, execution, state INTO m FROM p2pfk.migration WHERE id = wanted FOR KEY SHARE;
  IF NOT FOUND THEN`,
    replace: `  SELECT fenced_at, execution, state INTO m FROM p2pfk.migration WHERE id = wanted;
  IF NOT FOUND THEN`,
    test: FENCE_TESTS,
    title: 'for a forward transaction that has come in',
  },
  {
    rule: 'not FOR SHARE: a sign of life does not wait for a long forward transaction',
    file: 'sql/ledger/functions.sql',
    find: `  SELECT fenced_at, execution, state INTO m FROM p2pfk.migration WHERE id = wanted FOR KEY SHARE;
  IF NOT FOUND THEN`,
    replace: `  SELECT fenced_at, execution, state INTO m FROM p2pfk.migration WHERE id = wanted FOR SHARE;
  IF NOT FOUND THEN`,
    test: FENCE_TESTS,
    title: 'a sign of life waits for no forward transaction',
  },
  {
    rule: 'the fence waits for an index build, which runs outside a transaction',
    file: 'core/steps/fence.ts',
    find: '      if (await nothingRuns(client, migrationId)) return;\n',
    replace: '      return;\n',
    test: FENCE_TESTS,
    title: 'for an index build that it cannot cancel',
  },
  {
    rule: 'an index build is noted in the ledger, where the fence looks for it',
    file: 'core/detached.ts',
    find: '    const claimed = await claim(session, work);\n',
    replace: "    const claimed = { pid: process.pid, key: '0' };\n",
    test: FENCE_TESTS,
    title: 'for an index build that it cannot cancel',
  },
  {
    rule: 'a session of a role without rights does not show that an owner is alive',
    file: 'sql/ledger/functions.sql',
    find: '     AND p2pfk.is_trusted_login(a.usesysid)\n   LIMIT 1\n',
    replace: '   LIMIT 1\n',
    test: 'test/core/steps/liveness.test.ts',
    title: 'a dead migration is not kept alive by a role that can only connect',
  },
  {
    rule: 'nor does a name that any role may give its session',
    file: 'sql/ledger/functions.sql',
    find: "/run/%'\n     AND p2pfk.is_trusted_login(a.usesysid)\n",
    replace: "/run/%'\n",
    test: 'test/core/steps/liveness.test.ts',
    title: 'a dead migration is not kept alive by a role that can only connect',
  },
  {
    rule: 'sessions are read anew for each question of one transaction',
    file: 'sql/ledger/functions.sql',
    find: 'AS $holder$\n  SELECT pg_stat_clear_snapshot();\n',
    replace: 'AS $holder$\n',
    test: 'test/core/steps/liveness.test.ts',
    title: 'an owner that came within the same transaction is recognised',
  },
  {
    rule: 'a late VALIDATE meets the fence in its own transaction',
    file: 'core/validation.ts',
    find: 'SELECT p2pfk.enter$',
    replace: 'SELECT concat$',
    test: FENCE_TESTS,
    title: 'that was asked for before, and comes to its transaction after it, is refused there',
  },
  {
    rule: 'orphan counts survive a dead handler: each is noted before the next one begins',
    file: 'core/steps/count-remaining-orphans.ts',
    find: '    if (row)\n',
    replace: '    if (row && (pair === left.at(-1) || context.remainingMs() < RESERVE_MS))\n',
    test: GATE_TESTS,
    title: 'survives the death of its handler: what was counted is not counted again',
  },
  {
    rule: 'our own sessions are never ended as idle blockers',
    file: 'sql/checks/terminate-idle.sql',
    find: "   AND a.pid NOT IN (SELECT p.pid::int FROM jsonb_array_elements_text(:'ours'::jsonb) p(pid))\n",
    replace: '',
    test: 'test/core/steps/idle-blockers.test.ts',
    title: 'is never ended where it is one of ours: another migration may be between two statements',
  },
  {
    rule: 'a pair that could not be counted fails the check of orphans',
    file: 'core/verification.ts',
    find: 'passed: pairs.length > 0 && found.length === 0 && uncounted === 0,',
    replace: 'passed: pairs.length > 0 && found.length === 0,',
    test: 'test/core/verification.test.ts',
    title: 'whose pairs cannot be counted, as no foreign key is left to tell how, fails',
  },
  {
    rule: 'the gate is asked again under the locks of the drop',
    file: 'core/verified-drop.ts',
    find: `    const pairing = await openGate(client, foreignKey, planned);

    await limit`,
    replace: `    const { pairing } = await readGate(client, foreignKey, planned);

    await limit`,
    test: 'test/core/steps/between.test.ts',
    title: 'a pair is attached',
  },
  {
    rule: 'a DELETE that scans refuses the drop, whatever else passed',
    file: 'core/verified-drop.ts',
    find: 'if (!probe.passed) throw',
    replace: 'if (checks.length === 0 && !probe.passed) throw',
    test: 'test/core/delete-probe.test.ts',
    title: 'keeps the parent foreign key where an index is gone before the gate, or under the locks of the drop',
  },
  {
    rule: 'SET CONSTRAINTS in the DELETE probe: a deferred foreign key does its work there',
    file: 'sql/checks/delete-once.sql',
    find: '      SET CONSTRAINTS ALL IMMEDIATE;\n',
    replace: '',
    test: 'test/core/verification.test.ts',
    title: 'tells a refusal, where the foreign key is one that refuses, also later than the DELETE',
  },
  {
    rule: 'pair FKs stay while the parent FK is NOT VALID',
    file: 'core/steps/drop-pair-foreign-keys.ts',
    find: '  if (!parent?.validated)\n',
    replace: '  if (!parent)\n',
    test: 'test/core/steps/rollback.test.ts',
    title: 'leaves the pair foreign keys while the parent foreign key is NOT VALID',
  },
  {
    rule: 'a pair that was attached after the drop undoes nothing',
    file: 'core/steps/verify-migration.ts',
    find: 'verification(client, foreignKey, pairing, counts, judged)',
    replace: 'verification(client, foreignKey, pairing, counts)',
    test: PARTITION_SET_TESTS,
    title: 'are listed, and nothing is rolled back',
  },
  {
    rule: 'a pair of the drop that lost its FK is judged, whatever came besides',
    file: 'core/steps/verify-migration.ts',
    find: 'dropped.some((known) => isSamePair(known, pair))',
    replace: 'dropped.some((known) => isSamePair(known, pair)) && pair.constraint_oid !== null',
    test: PARTITION_SET_TESTS,
    title: 'do not hide that a pair of the drop has lost its foreign key',
  },
  {
    rule: 'what was added to a partition that is detached since is taken away by the next plan',
    file: 'core/steps/plan.ts',
    find: '    await releaseGonePairs(context, { migrationId: opened.id, execution, foreignKey, pairing, options });\n',
    replace: '    context.logger.debug(releaseGonePairs.name);\n',
    test: PARTITION_SET_TESTS,
    title: 'loses what was added to it when the migration is planned anew, and nothing else does',
  },
  {
    rule: 'on a partition that is detached only what the ledger calls ours is taken away',
    file: 'sql/statements/release-pair.sql',
    find: 'WHERE p.index_added AND ',
    replace: 'WHERE ',
    test: PARTITION_SET_TESTS,
    title: 'keeps what another has made there',
  },
  {
    rule: 'on a partition that is detached a foreign key of another stays',
    file: 'sql/statements/release-pair.sql',
    find: 'WHERE p.constraint_added AND ',
    replace: 'WHERE ',
    test: PARTITION_SET_TESTS,
    title: 'keeps what another has made there',
  },
  {
    rule: 'sslmode=verify-full checks the host name, not only the chain',
    file: 'core/libpq/tls.ts',
    find: 'checkServerIdentity: (_, certificate) => identityProblem(host, certificate)',
    replace: 'checkServerIdentity: (_, certificate) => void identityProblem(host, certificate)',
    test: CONNECTION_TESTS,
    title: 'sslmode=verify-full is let in, or refused, as psql is',
  },
  {
    rule: 'only sslmode=prefer goes on in plain text where the server has no TLS',
    file: 'core/libpq/tls.ts',
    find: "orPlain: mode === 'prefer' }",
    replace: "orPlain: mode.startsWith('') }",
    test: CONNECTION_TESTS,
    title: 'sslmode=require is let in, or refused, as psql is',
  },
  {
    rule: 'nothing may come before the encryption',
    file: 'core/libpq/transport.ts',
    find: 'if (answer.length === 1 && answer[0] === 0x53) return true;',
    replace: 'if (answer[0] === 0x53) return true;',
    test: CONNECTION_TESTS,
    title: 'with sslmode=require nothing is sent to somebody in between who has put something before the encryption',
  },
  {
    rule: 'channel_binding=require ends the connection where the server does not bind',
    file: 'core/libpq/channel-binding.ts',
    find: 'if (!bound) refuse();',
    replace: 'void bound;',
    test: CONNECTION_TESTS,
    title: 'with channel_binding=require are sent only over TLS and by SCRAM',
  },
  {
    rule: "a caller's certificate authority counts whatever sslmode says: Lambda functions always verify",
    file: 'core/libpq/tls.ts',
    find: '  if (pinned) {',
    replace: "  if (pinned && sslMode(settings) !== 'disable') {",
    test: CONNECTION_TESTS,
    title: 'an authority of the caller counts alone, with the host name, whatever the settings say',
  },
  {
    rule: 'pg_temp is searched last: no temporary view passes for a catalog',
    file: 'sql/session.sql',
    find: "('search_path', 'pg_catalog, pg_temp'),",
    replace: "('search_path', 'pg_catalog'),",
    test: 'test/core/untrusted-code.test.ts',
    title: 'a temporary view with the name of a catalog, made in our session, is not read',
  },
  {
    rule: 'no code of a role with fewer rights compares keys in our session',
    file: 'core/foreign-key.ts',
    find: "  if (purpose !== 'approve') await refuseUntrustedCode(client, foreignKey);\n",
    replace: '',
    test: 'test/core/untrusted-code.test.ts',
    title: 'is refused by every command, and its owner gains nothing',
  },
  {
    rule: 'the CHECK of a domain counts as code that adding a partition runs',
    file: 'sql/catalog/untrusted-code.sql',
    find: 'JOIN pg_constraint c ON c.contypid = y.oid',
    replace: 'JOIN pg_constraint c ON c.contypid = 0',
    test: 'test/core/untrusted-code.test.ts',
    title: 'the CHECK of a domain is not run when a partition is added',
  },
  {
    rule: 'an owner of a partition who gains its foreign key is accepted by a person',
    file: 'sql/findings/leaf-owner.sql',
    find: "'warning' AS severity, true AS needs_acceptance",
    replace: "'warning' AS severity, false AS needs_acceptance",
    test: 'test/core/leaf-owner.test.ts',
    title:
      'the owner of a partition can drop its foreign key after the migration alone, which therefore needs acceptance',
  },
  {
    rule: 'the views of the ledger look up no function by a name that anybody may have planted',
    file: 'sql/ledger/views.sql',
    find: "SELECT t.id, c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name",
    replace: "SELECT t.id, c.oid, format('%I.%I', n.nspname, c.relname) AS name",
    test: 'test/core/untrusted-code.test.ts',
    title: 'is not run by plan, nor by what the ledger is made of',
  },
  {
    rule: 'a call of the API is signed with the key pair of this server',
    file: 'local/step-functions/signature.ts',
    find: 'if (one.length !== other.length || !timingSafeEqual(one, other)) {',
    replace: 'if (one.length !== other.length) {',
    test: SIGNATURE_TESTS,
    title: 'is refused under another key, another secret, unhashed, and after five minutes',
  },
  {
    rule: 'a signature is worth nothing five minutes later',
    file: 'local/step-functions/signature.ts',
    find: 'if (Math.abs(now - signedAt.getTime()) > LONGEST_SKEW_MS)',
    replace: 'if (Math.abs(now - signedAt.getTime()) < 0)',
    test: SIGNATURE_TESTS,
    title: 'is refused under another key, another secret, unhashed, and after five minutes',
  },
  {
    rule: 'the SQL of an execution input runs only where the operator has allowed it',
    file: 'core/throttle.ts',
    find: "if (holdBackQuery === undefined || process.env[ALLOWED_BY] === 'true') return;",
    replace: 'if (holdBackQuery !== null) return;',
    test: 'test/core/throttle.test.ts',
    title: 'is not run from the ledger either, by whoever put it there',
  },
  {
    rule: 'a password that is tried too early is not looked at',
    file: 'cli/console/access.ts',
    find: `    if (throttle.waitMs > 0) return tooMany(c, throttle.waitMs);
    if (same(`,
    replace: '    if (same(',
    test: 'test/cli/login.test.ts',
    title: 'looks at one password a second, however many come at once and from wherever',
  },
  {
    rule: 'lost ledger: no repair adds a pair FK before its guard has an entry of the ledger',
    file: 'core/audit/lost-ledger.ts',
    find: '    item.makes?.constraint || GUARD_FINDINGS.includes(item.finding.id)',
    replace: '    GUARD_FINDINGS.includes(item.finding.id)',
    test: 'test/audit/audit.test.ts',
    title: 'without a ledger goes by the catalog, and adds no pair FK before its guard has an entry',
  },
  {
    rule: 'lost ledger: no new pair is made without the guard that it needs',
    file: 'core/provision/provision.ts',
    find: 'if (foreignKey.migrationId !== null || action === undefined) return;',
    replace: 'if (foreignKey.migrationId !== null || action !== undefined) return;',
    test: 'test/provision/provision.test.ts',
    title: 'is refused without a ledger where it needs a guard, until there is an entry (dry run: false)',
  },
  {
    rule: 'lost ledger: nothing is adopted without acceptance',
    file: 'core/audit/repair.ts',
    find: "    needsAcceptance !== true || options.accept?.some((id) => id === 'all' || id === finding.id) === true;",
    replace: '    needsAcceptance !== true || finding.id !== options.table;',
    test: LOST_LEDGER_TESTS,
    title: 'the schema dropped with CASCADE is seen by each command, and repaired with acceptance alone',
  },
  {
    rule: 'lost ledger: pair FKs that differ say nothing of the parent FK',
    file: 'core/audit/adopt.ts',
    find: '  if (shapes.length <= 1) return;',
    replace: '  if (shapes.length > 0) return;',
    test: LOST_LEDGER_TESTS,
    title: 'pair foreign keys that do not agree are not adopted',
  },
  {
    rule: 'lost ledger: a rollback by an entry that is older than the database is refused',
    file: 'core/steps/plan.ts',
    find: '  if (outdated) throw',
    replace: '  if (outdated && outdated.id === foreignKey.table) throw',
    test: LOST_LEDGER_TESTS,
    title: 'without its pairs is not rolled back',
  },
  {
    rule: 'verify looks for the row-movement guards, with or without a ledger',
    file: 'core/verification.ts',
    find: '  if (bad.length === 0) return null;',
    replace: '  if (bad.length >= 0) return null;',
    test: LOST_LEDGER_TESTS,
    title: 'a guard dropped alone fails verify, and migrate points to the repair',
  },
  {
    rule: 'a foreign key of a partition to the whole referenced table goes only where the pair FK holds',
    file: 'core/audit/table-drift.ts',
    find: 'steps: replaced ? [await steps.dropForeignKey(leaf)] : []',
    replace: 'steps: [await steps.dropForeignKey(leaf)]',
    test: LOST_LEDGER_TESTS,
    title: 'such a foreign key stays where the pair foreign key cannot be added',
  },
  {
    rule: 'the drop reads the approval under its locks: one that is withdrawn at the same moment stops it',
    file: 'core/verified-drop.ts',
    find: 'if (stands && drop.needsApproval) await requireApproval(client, drop.id);',
    replace: '',
    test: PEOPLE_TESTS,
    title: 'at the same moment as the drop: one of the two waits, and knows then',
  },
  {
    rule: 'who approves is written by the database, whatever the UPDATE says',
    file: 'sql/ledger/functions.sql',
    find: '    NEW.approved_login := session_user;',
    replace: '',
    test: PEOPLE_TESTS,
    title: 'is not the login that started it, whatever name is stated, nor one who approves in SQL',
  },
  {
    rule: 'a text of the ledger becomes part of a statement only where it is a foreign key',
    file: 'core/ledger-text.ts',
    find: '  if (wrong.length === 0) return migration;',
    replace: '  if (wrong.length >= 0) return migration;',
    test: 'test/core/ledger/tampered.test.ts',
    title: 'in definition',
  },
  {
    rule: 'a step does nothing on a server that takes no writes any more',
    file: 'core/ledger-identity.ts',
    find: '    if (!readOnly.has(client)) return;\n    throw new ConnectionLost(',
    replace: '    if (client) return;\n    throw new ConnectionLost(',
    test: 'test/core/steps/demoted.test.ts',
    title:
      'a primary that is a standby by now counts as a lost connection; when the name leads to the primary, the step goes on',
  },
  {
    rule: 'a later execution does not drop the demand that another person approves',
    file: 'sql/ledger/take-over.sql',
    find: `'{"approverMustDiffer": true, "approval": "manual"}'::jsonb`,
    replace: `'{}'::jsonb`,
    test: PEOPLE_TESTS,
    title: 'is another login under another name, also where a later execution does not ask for it',
  },
];
