/** Questions that do not depend on each other's answers: sent at once, so that they take one round trip, outside a transaction or in one. */
import type { Client } from 'pg';

type Asked<Results extends readonly unknown[]> = { readonly [Index in keyof Results]: () => Promise<Results[Index]> };

/**
 * Asks all of them before the first answer has arrived; the server answers them in their order.
 *
 * @throws the first error, in their order, when all have their answers
 */
export async function inOnePacket<Results extends readonly unknown[]>(
  client: Client,
  ...asked: Asked<Results>
): Promise<Results> {
  const isPipelined = Reflect.get(client, 'pipeline') === true;
  // pg then sends a query before the answer of the last one has arrived. Not for ever: in this mode end() waits for answers, and some
  // sessions are ended while a statement runs on in the server.
  if (!isPipelined) Object.assign(client, { pipeline: true });
  try {
    const answers = asked.map((ask) => ask());
    await Promise.allSettled(answers);
    return (await Promise.all(answers)) as unknown as Results;
  } finally {
    if (!isPipelined) Object.assign(client, { pipeline: false });
  }
}
