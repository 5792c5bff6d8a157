/** The rule of everything that p2pfk sends to a place that the operator names: nothing goes over a network in the clear. Pure. */

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Whether what is sent there could be read on the way. */
export function isReadableOnTheWay({ protocol, hostname }: URL): boolean {
  return protocol !== 'https:' && !(protocol === 'http:' && LOOPBACK.test(hostname));
}
