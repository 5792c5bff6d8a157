/** What changes after the drop has asked its questions and before it has its locks: they are asked again, and the parent FK stays. */
import { expect, it } from 'vitest';
import { everything } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { holdStatement, proxiedCase } from './proxied.helpers.ts';

/** Each is seen by another question of the drop check. */
const CHANGES: [what: string, sql: string, name: string, reason: RegExp][] = [
  [
    'a pair foreign key is dropped',
    'ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1',
    'GateFailed',
    /path_1 has no pair foreign key/,
  ],
  ['its triggers are disabled', 'ALTER TABLE path_2 DISABLE TRIGGER ALL', 'GateFailed', /path_2 is not enforced/],
  [
    'a pair is attached',
    `CREATE TABLE inode_9 PARTITION OF inode FOR VALUES IN ('nine'); CREATE TABLE path_9 PARTITION OF path FOR VALUES IN ('nine')`,
    'PartitionSetChanged',
    /path_9 was attached after the plan/,
  ],
  [
    'a partition with rows and without a partner is attached',
    `CREATE TABLE inode_9 PARTITION OF inode FOR VALUES IN ('nine');
     CREATE TABLE inode_10 PARTITION OF inode FOR VALUES IN ('ten');
     INSERT INTO inode VALUES ('nine', 1, 1), ('ten', 1, 1);
     CREATE TABLE path_9 PARTITION OF path FOR VALUES IN ('nine', 'ten');
     INSERT INTO path VALUES ('nine', 1, 'a name')`,
    'GateFailed',
    /path_9 has no partner, and rows by now/,
  ],
  [
    'a foreign key to another partition is added',
    'ALTER TABLE path_1 ADD CONSTRAINT astray FOREIGN KEY (medium, ino) REFERENCES inode_2 (medium, ino) ON DELETE CASCADE NOT VALID',
    'VerificationFailed',
    /astray/,
  ],
  ['an index is dropped', 'DROP INDEX idx_path_1_fk', 'VerificationFailed', /no index serves/],
  [
    'the owner of a partition loses a right',
    'ALTER TABLE path_1 OWNER TO pg_monitor; REVOKE DELETE ON path_1 FROM pg_monitor',
    'GateFailed',
    /role pg_monitor lacks DELETE/,
  ],
];

it.each(CHANGES)('%s', async (_, sql, name, message) => {
  const { observer, proxy } = await proxiedCase();
  const execution = new Execution();
  await execution.migrate('ValidateForeignKeys');
  const held = holdStatement(proxy, 'drop-parent-foreign-key', /^LOCK TABLE/);
  const dropping = execution.dropParentForeignKey().then(
    () => undefined,
    (error: unknown) => error,
  );
  await held.reached;

  await observer.query(sql);
  const before = await everything(observer);
  held.release();

  expect(await dropping).toMatchObject({ name, message: expect.stringMatching(message) });
  expect(await everything(observer)).toBe(before);
});
