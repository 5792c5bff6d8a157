/** A scenario that is told in its own words, where a layout alone does not say it. */
import type { PostgresMajor } from '../../../scripts/install-postgres.ts';
import type { MatrixServer } from '../server.helpers.ts';

export interface Scenario {
  readonly title: string;
  /** First and last major version that can have it. */
  readonly since?: PostgresMajor;
  readonly until?: PostgresMajor;
  run(server: MatrixServer): Promise<void>;
}

/** `path` references `inode` in three pairs; nothing is out of the ordinary. */
export const threePairs = (actions = 'ON DELETE CASCADE') => `
  CREATE TABLE inode (medium text, ino int, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
  CREATE TABLE path (medium text, ino int, name text) PARTITION BY LIST (medium);
  ${['one', 'two', 'three']
    .map(
      (medium, n) => `
  CREATE TABLE inode_${n + 1} PARTITION OF inode FOR VALUES IN ('${medium}');
  CREATE TABLE path_${n + 1} PARTITION OF path FOR VALUES IN ('${medium}');`,
    )
    .join('')}
  INSERT INTO inode SELECT m, i FROM unnest(ARRAY['one', 'two', 'three']) m, generate_series(1, 40) i;
  INSERT INTO path SELECT medium, ino, 'a name' FROM inode, generate_series(1, 3) WHERE ino <= 30;
  ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ${actions};
  COMMENT ON CONSTRAINT path_fk ON path IS 'every path''s inode';`;

/** Rows that no foreign key lets in, as a replica applies them. */
export const smuggle = (sql: string) => `BEGIN; SET LOCAL session_replication_role = replica; ${sql}; COMMIT;`;
