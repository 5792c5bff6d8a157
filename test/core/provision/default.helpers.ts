import { NAMED_PAIRS } from './migrated.helpers.ts';

/** Both tables with a DEFAULT partition, and every partition with its partner. */
export const WITH_DEFAULT = `${NAMED_PAIRS}
  CREATE TABLE path_four PARTITION OF path FOR VALUES IN ('four');
  CREATE TABLE inode_default PARTITION OF inode DEFAULT;
  CREATE TABLE path_default PARTITION OF path DEFAULT;
  INSERT INTO inode VALUES ('something else', 1);`;
