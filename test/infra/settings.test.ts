/** What the CDK context may say. */
import { App } from 'aws-cdk-lib/core';
import { describe, expect, it } from 'vitest';
import { readSettings, type Settings } from '../../infra/settings.ts';
import { exampleContext } from './stack.helpers.ts';

const window = { cron: 'cron(0 3 ? * SUN *)', timeZone: 'Europe/Berlin', minutes: 90, input: { table: 'public.path' } };

function settings(changes: Record<string, unknown> = {}): Settings {
  return readSettings(new App({ context: { ...exampleContext(), ...changes } }).node);
}

describe('the settings', () => {
  it('are the ones of cdk.json, with no maintenance window', () => {
    expect(settings()).toMatchObject({
      ...pick(exampleContext(), 'stackName', 'database', 'network'),
      maintenanceWindow: null,
    });
  });

  it('may come as text, as `cdk -c` hands them over', () => {
    const { network, maintenanceWindow } = settings({ network: 'null', maintenanceWindow: JSON.stringify(window) });
    expect(network).toBeNull();
    expect(maintenanceWindow).toMatchObject({ timeZone: 'Europe/Berlin', minutes: 90 });
  });

  it('may come from the environment where the context has none', () => {
    const context = { ...exampleContext(), database: undefined, maintenanceWindow: undefined };
    const database = { endpoint: 'db.example.com', name: 'orders', user: 'p2pfk', resourceId: 'db-ABC123' };
    const environment = {
      P2PFK_DATABASE: JSON.stringify(database),
      P2PFK_MAINTENANCE_WINDOW: JSON.stringify(window),
    };
    expect(readSettings(new App({ context }).node, environment)).toMatchObject({
      database: { ...database, port: 5432 },
      maintenanceWindow: { minutes: 90 },
    });
  });

  it('take a window that opens once', () => {
    const { cron: _, ...rest } = window;
    expect(settings({ maintenanceWindow: { ...rest, at: '2027-01-31T03:00' } })).toMatchObject({
      maintenanceWindow: { at: '2027-01-31T03:00' },
    });
  });

  it.each([
    ['no database', { database: undefined }, /database/],
    ['a typing error', { database: { ...(exampleContext().database as object), pasword: 'x' } }, /pasword/],
    [
      'two ways in',
      { database: { ...(exampleContext().database as object), resourceId: 'db-A1' } },
      /either resourceId/,
    ],
    [
      'a window that opens both once and again',
      { maintenanceWindow: { ...window, at: '2027-01-31T03:00' } },
      /cron or at/,
    ],
    [
      'a window with a deadline of its own',
      { maintenanceWindow: { ...window, input: { table: 'path', deadline: '2027-01-31T03:00:00Z' } } },
      /window itself/,
    ],
    ['a window without time zone', { maintenanceWindow: { ...window, timeZone: undefined } }, /timeZone/],
    ['a time zone that does not exist', { maintenanceWindow: { ...window, timeZone: 'Europe/Nowhere' } }, /IANA/],
    ['a time zone without daylight saving time', { maintenanceWindow: { ...window, timeZone: '+01:00' } }, /IANA/],
    ['a cron of five fields', { maintenanceWindow: { ...window, cron: 'cron(0 3 ? * SUN)' } }, /cron/],
    ['days that CloudWatch Logs does not know', { logs: { retentionDays: 100 } }, /retentionDays/],
    ['a window longer than a day', { maintenanceWindow: { ...window, minutes: 1441 } }, /minutes/],
    ['an execution input with a typing error', { maintenanceWindow: { ...window, input: { tabel: 'path' } } }, /tabel/],
  ])('refuse %s, naming it', (_, changes, message) => {
    expect(() => settings(changes)).toThrow(message);
  });
});

function pick(from: Record<string, unknown>, ...keys: string[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, from[key]]));
}
