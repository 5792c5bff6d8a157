/** Executions on this machine: endpoint, store, files, embedded server. Each rule is removed in turn, and its test has to fail. */
import type { Mutant } from '../mutant.ts';

const SIGNATURE_TESTS = 'test/local/signature.test.ts';

export const LOCAL: readonly Mutant[] = [
  {
    rule: 'a call of the API is signed with the key pair of this server',
    file: 'local/step-functions/signature.ts',
    find: 'if (one.length !== other.length || !timingSafeEqual(one, other)) {',
    replace: 'if (one.length !== other.length) {',
    test: SIGNATURE_TESTS,
    title: 'is refused under another key, another secret, unhashed, and after five minutes',
  },
  {
    rule: 'a signature is worth nothing five minutes later',
    file: 'local/step-functions/signature.ts',
    find: 'if (Math.abs(now - signedAt.getTime()) > LONGEST_SKEW_MS)',
    replace: 'if (Math.abs(now - signedAt.getTime()) < 0)',
    test: SIGNATURE_TESTS,
    title: 'is refused under another key, another secret, unhashed, and after five minutes',
  },
  {
    rule: 'a report or a plan is not written where a link of another user leads',
    file: 'local/held-directory.ts',
    find: 'const reason = changeableByOthers({ uid: found.uid, gid: found.gid, mode: 0 });',
    replace: 'const reason: string | null = null;',
    test: 'test/local/private-file.test.ts',
    title: 'nothing is written where a link of another user leads',
  },
  {
    rule: 'a plan is looked at before it is opened, and so not waited for',
    file: 'local/private-file.ts',
    find: '    refuseChangeable(await seen.stat());\n',
    replace: '',
    test: 'test/local/private-file.test.ts',
    title: 'a pipe of another user is refused, and not waited for; one of our own is read to its end',
  },
  {
    rule: 'a report goes into the directory that was looked at',
    file: 'local/held-directory.ts',
    find: 'return this.#handle === null ? join(this.path, name)',
    replace: 'return this.path !== null ? join(this.path, name)',
    test: 'test/local/private-file.test.ts',
    title: 'a directory is not exchanged for a link between the look and the file',
  },
  {
    rule: 'a connection string in a key that is there twice is not kept by serve',
    file: 'local/step-functions/step-functions.ts',
    find: 'if (hasKeyTwice(input)) throw',
    replace: "if (hasKeyTwice(input) && input === '') throw",
    test: 'test/local/start-from-outside.test.ts',
    title: 'an input with a connection string is refused before it is kept',
  },
  {
    rule: 'a connection string is not kept by serve as the cause of a stop',
    file: 'local/step-functions/requests.ts',
    find: 'cause: kept(MAX_CAUSE)',
    replace: 'cause: z.string().max(MAX_CAUSE)',
    test: 'test/local/start-from-outside.test.ts',
    title: 'a cause with a connection string stops nothing, and is kept nowhere',
  },
  {
    rule: 'serve keeps no input with a connection string',
    file: 'local/step-functions/step-functions.ts',
    find: 'if (key !== undefined) throw invalidInput(',
    replace: "if (key === '') throw invalidInput(",
    test: 'test/local/start-from-outside.test.ts',
    title: 'an input with a connection string is refused before it is kept',
  },
  {
    rule: 'a caller of serve does not choose whose functions run',
    file: 'local/step-functions/endpoint.ts',
    find: '  keepLedgerOwner();\n',
    replace: '',
    test: 'test/local/start-from-outside.test.ts',
    title: 'a caller of serve does not choose the ledger’s owner: only the one that it was started with',
  },
  {
    rule: 'no file of the embedded server may be written by another user',
    file: 'local/embedded/binaries.ts',
    find: '...paths.map(changed)]',
    replace: ']',
    test: 'test/local/private-file.test.ts',
    title: 'the embedded server is not one that another user could have written',
  },
];
