/** How a reader is named: what its URL leaves out is the primary's, and it leads to one server. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { resolveParameters } from '../../../core/postgres/libpq/parameters.ts';
import { readerConnectionString, readerUrls } from '../../../core/postgres/libpq/reader-url.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const resolved = (reader: string, primary?: string) => resolveParameters(readerConnectionString(reader, primary));

describe('a reader', () => {
  it('takes user, password, database, port and TLS from the primary', () => {
    const primary =
      'host=a,b port=5433 user=app password=secret dbname=orders sslmode=require target_session_attrs=read-write';
    expect(() => resolved('postgres://replica', primary)).not.toThrow();
    expect(
      resolved('postgres://replica', "host=a user=app password='it\\'s: a\\\\secret' dbname=orders port=5433"),
    ).toMatchObject({
      hosts: [{ host: 'replica', port: 5433 }],
      user: 'app',
      password: "it's: a\\secret",
      database: 'orders',
    });
    const { settings } = resolved('postgres://replica', primary);
    expect([settings.get('sslmode'), settings.get('target_session_attrs')]).toEqual(['require', 'any']);
  });

  it('keeps what it says itself, and takes the rest from the environment', () => {
    vi.stubEnv('PGUSER', 'of_the_environment');
    vi.stubEnv('PGDATABASE', 'orders');
    vi.stubEnv('PGHOSTADDR', '127.0.0.9');
    vi.stubEnv('PGTARGETSESSIONATTRS', 'read-write');
    expect(resolved('host=replica port=6000 password=own')).toMatchObject({
      hosts: [{ host: 'replica', address: 'replica', port: 6000 }],
      user: 'of_the_environment',
      database: 'orders',
      password: 'own',
    });
  });

  it.each([
    ['postgres://a,b', /^a,b is not one server/],
    [
      'postgres://orders.cluster-ro-abc.eu-central-1.rds.amazonaws.com',
      /is not one server: it leads to another instance/,
    ],
    ['postgres://orders.cluster-custom-abc.eu-central-1.rds.amazonaws.com', /is not one server/],
    ['postgres://orders.proxy-abc.eu-central-1.rds.amazonaws.com', /is an RDS Proxy/],
    ['mysql://replica:secret@x', /^the database URL must begin with postgres/],
  ])('%s is refused', (url, message) => {
    expect(() => resolved(url, 'postgres://app@primary/orders')).toThrow(message);
  });
});

it('readers are given one a line, or as URLs separated by blanks', () => {
  vi.stubEnv('P2PFK_READERS', ' postgres://a postgresql://b:1/x\nhost=c port=2 \r\n\npostgres://a');
  expect(readerUrls()).toEqual(['postgres://a', 'postgresql://b:1/x', 'host=c port=2']);
  vi.stubEnv('P2PFK_READERS', '');
  expect(readerUrls()).toEqual([]);
});
