/** Every setting that a database can have, on each version: our sessions have their own value, or a reason to leave it. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../core/ledger/connect.ts';
import { anotherValue, settingsToPin, valuesIn } from '../support/settings.ts';
import { startServer } from './server.helpers.ts';
import { majorUnderTest } from './version.helpers.ts';

describe('settings', () => {
  it('no setting of a database reaches what our queries rely on', async () => {
    const server = await startServer(majorUnderTest);
    onTestFinished(() => server.stop());
    const db = await server.database('SELECT 1');
    const ours = async (): Promise<Record<string, string>> => {
      const core = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
      try {
        return await valuesIn(core, names);
      } finally {
        await core.end();
      }
    };
    const settings = await settingsToPin(db.observer);
    const names = settings.map(({ name }) => name);
    const before = await ours();

    await db.observer.query('CREATE ACCESS METHOD another TYPE TABLE HANDLER heap_tableam_handler');
    for (const setting of settings) {
      // Lists of names are given as they are, everything else as a literal.
      const value = anotherValue(setting);
      const text = setting.name === 'search_path' ? value : db.observer.escapeLiteral(value);
      await db.observer.query(`ALTER DATABASE ${new URL(db.url).pathname.slice(1)} SET ${setting.name} = ${text}`);
    }
    const theirs = await valuesIn(await db.client(), names);

    // client_encoding is sent by the client at the start; the test server has the weaker synchronous_commit already; and under
    // debug_parallel_query a worker answers, which has no connection and shows 0 for tcp_user_timeout.
    const unseen = ['client_encoding', 'synchronous_commit', 'tcp_user_timeout'];
    const changed = names.filter((name) => !unseen.includes(name));
    const shown = Object.fromEntries(settings.map(({ name, setting }) => [name, setting]));
    expect(changed.filter((name) => theirs[name] === shown[name])).toEqual([]);
    expect(await ours()).toEqual(before);
    expect(before).toMatchObject({
      standard_conforming_strings: 'on',
      row_security: 'off',
      synchronous_commit: 'local',
    });
  });
});
