/** What sql/README.md tells people to type works as it stands there. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { describeWithPsql, psqlInOrder, STEPS } from './psql.helpers.ts';

const SQL = new URL('../../sql/', import.meta.url);
const readme = readFileSync(new URL('README.md', SQL), 'utf8');

describe('sql/README.md', () => {
  it('names files that are there', () => {
    const named = [...readme.matchAll(/-f (sql\/\S+\.sql)/g)].map(([, file]) => file as string);

    expect(new Set(named).size).toBeGreaterThan(5);
    for (const file of named) expect(existsSync(fileURLToPath(new URL(`../${file}`, SQL))), file).toBe(true);
  });
});

describeWithPsql('sql/README.md', () => {
  it('has SQL that runs on a migrated database, and a new pair that step 4 finds in order', async () => {
    const db = await createDatabase('source-case');
    onTestFinished(() => db.drop());
    const client = await db.client();
    await psqlInOrder(db.url, STEPS);

    const blocks = [...readme.matchAll(/```sql\n(.*?)```/gs)].map(([, sql]) => sql as string);
    for (const sql of blocks) await client.query(sql);

    expect(blocks).toHaveLength(4);
    const [verified] = await psqlInOrder(db.url, ['step4']);
    expect(verified?.lines).toContain('  path_p_12345678 -> inode_p_12345678: fk_path_to_inode_p_12345678');
  });
});
