/** Host names of Amazon RDS that lead to something other than the server itself. */
import { InvalidInput } from '../errors.ts';

/** `name.proxy-abc.eu-central-1.rds.amazonaws.com`, `name.endpoint.proxy-abc...`, and the order of the labels in China. */
const PROXY = /(^|\.)proxy-[a-z0-9]+\.([a-z0-9-]+\.)*amazonaws\.com(\.cn)?$/i;
const CUSTOM = /(^|\.)cluster-custom-[a-z0-9]+\.([a-z0-9-]+\.)*amazonaws\.com(\.cn)?$/i;
const READER = /(^|\.)cluster-ro-[a-z0-9]+\.([a-z0-9-]+\.)*amazonaws\.com(\.cn)?$/i;

/**
 * @throws InvalidInput where the host is an RDS Proxy. It pins a session at the first SET, and gives it to another client when
 *   ours disconnects, so neither a session's advisory lock nor a validation that outlives its function would be found again.
 *   https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html
 */
export function refuseProxy(host: string): void {
  if (!PROXY.test(host)) return;
  throw new InvalidInput(
    `${host} is an RDS Proxy: it would pin every session of ours, and a validation that outlives its function could not be found again; give the endpoint of the instance, or the writer endpoint of the cluster`,
  );
}

/** @throws InvalidInput where the host is a proxy, or an Aurora reader endpoint, where nothing can be changed */
export function requireWriterEndpoint(host: string): void {
  refuseProxy(host);
  if (!READER.test(host)) return;
  throw new InvalidInput(`${host} is an Aurora reader endpoint: give the writer endpoint of the cluster`);
}

/**
 * For a reader, which is asked for its own sessions.
 *
 * @throws InvalidInput where the host is a proxy, or an endpoint of Aurora that leads to a different instance for each session
 */
export function refuseSharedEndpoint(host: string): void {
  refuseProxy(host);
  if (!READER.test(host) && !CUSTOM.test(host)) return;
  throw new InvalidInput(
    `${host} is not one server: it leads to another instance of the cluster with each session; name each reader by the endpoint of its instance`,
  );
}
