/** Every command of the how-to guides, in its order, prints what the page says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { databaseWith } from '../core/case.helpers.ts';
import { stateDirectory } from '../local/endpoint.helpers.ts';
import { describeWithPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { programPath } from '../support/programs.ts';
import { followPage } from './console.helpers.ts';

/** Two foreign keys that reference one table, in two pairs each. */
const SHOP = `
  CREATE TABLE invoice (region text, id bigint, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
  CREATE TABLE invoice_eu PARTITION OF invoice FOR VALUES IN ('eu');
  CREATE TABLE invoice_us PARTITION OF invoice FOR VALUES IN ('us');
  CREATE TABLE payment (region text, invoice_id bigint, amount numeric) PARTITION BY LIST (region);
  CREATE TABLE payment_eu PARTITION OF payment FOR VALUES IN ('eu');
  CREATE TABLE payment_us PARTITION OF payment FOR VALUES IN ('us');
  CREATE TABLE reminder (region text, invoice_id bigint, sent_on date) PARTITION BY LIST (region);
  CREATE TABLE reminder_eu PARTITION OF reminder FOR VALUES IN ('eu');
  CREATE TABLE reminder_us PARTITION OF reminder FOR VALUES IN ('us');
  INSERT INTO invoice SELECT region, id FROM unnest(ARRAY['eu', 'us']) AS region, generate_series(1, 100) AS id;
  INSERT INTO payment SELECT region, id, 10 FROM invoice;
  INSERT INTO reminder SELECT region, id, '2027-01-31' FROM invoice WHERE id <= 20;
  ALTER TABLE payment ADD CONSTRAINT payment_invoice_fk
    FOREIGN KEY (region, invoice_id) REFERENCES invoice (region, id);
  ALTER TABLE reminder ADD CONSTRAINT reminder_invoice_fk
    FOREIGN KEY (region, invoice_id) REFERENCES invoice (region, id);
  ANALYZE;`;

function placeOf(databaseUrl: string) {
  const directory = mkdtempSync(join(tmpdir(), 'p2pfk-how-to-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return { databaseUrl, directory, environment: { P2PFK_STATE_DIR: stateDirectory() } };
}

const hasJq = programPath('jq') !== undefined;

it('docs/change-board.md: from the saved plan to the drop, and back', async () => {
  const { db } = await databaseWith(SHOP);
  expect(await followPage('docs/change-board.md', placeOf(db.url))).toBe(6);
}, 600_000);

it.runIf(hasJq)(
  'docs/many-foreign-keys.md: one after the other',
  async () => {
    const { db } = await databaseWith(SHOP);
    expect(await followPage('docs/many-foreign-keys.md', placeOf(db.url))).toBe(8);
  },
  600_000,
);

it.runIf(hasJq)(
  'docs/json.md: a pipeline that reads the documents',
  async () => {
    const { db } = await databaseWith();
    expect(await followPage('docs/json.md', placeOf(db.url))).toBe(5);
  },
  600_000,
);

describeWithPgBouncer('docs/pooler.md', () => {
  it('is refused, and works in session mode', async () => {
    const { db } = await databaseWith(SHOP);
    const pooler = await startPgBouncer(db.url, 'session');
    onTestFinished(() => pooler.stop());
    expect(await followPage('docs/pooler.md', placeOf(pooler.url))).toBe(2);
  }, 300_000);
});
