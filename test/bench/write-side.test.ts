/** That the benchmarks of the write side measure what their tables say. */
import { expect, it } from 'vitest';
import { BenchServer } from '../../bench/harness/bench-server.ts';
import { locksOfFirstWrites, NO_DISK, prepareWriteSide } from '../../bench/harness/write-side.ts';

it('finds four more relations locked for each pair under the parent FK, and none more under pair FKs', async () => {
  await BenchServer.with(
    async (server) => {
      const locks = async (pairs: number) => {
        await prepareWriteSide(server, { pairs, each: 20, largest: 20 });
        return {
          parent: await locksOfFirstWrites(server, 'parent FK'),
          generic: await locksOfFirstWrites(server, 'parent FK, generic plans'),
          pair: await locksOfFirstWrites(server, 'pair FKs'),
        };
      };

      const [two, five] = [await locks(2), await locks(5)];

      // Both tables, their partitions, and an index of each.
      expect([two.parent, five.parent]).toEqual([4 * 2 + 4, 4 * 5 + 4]);
      expect([two.generic, five.generic]).toEqual([two.parent, five.parent]);
      expect(five.pair).toBe(two.pair);
    },
    { settings: NO_DISK },
  );
});
