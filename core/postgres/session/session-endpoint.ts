/** Which server a session was asked to connect to: part of what tells one database from another. No user, no password. */
import type { Client } from 'pg';
import { resolveParameters } from '../libpq/parameters.ts';

const endpoints = new WeakMap<Client, string>();

/** `host:port` as the connection parameters have it; several hosts separated by commas; a socket's directory is a host. */
export function endpointOfUrl(databaseUrl: string | undefined): string {
  return resolveParameters(databaseUrl)
    .hosts.map(({ host, address, port }) => `${(host || address).toLowerCase()}:${port}`)
    .join(',');
}

export function noteEndpoint(client: Client, databaseUrl: string | undefined): void {
  endpoints.set(client, endpointOfUrl(databaseUrl));
}

/** Of any session; what node-postgres knows where it was not opened by us. */
export function endpointOf(client: Client): string {
  return endpoints.get(client) ?? `${client.host.toLowerCase()}:${client.port}`;
}
