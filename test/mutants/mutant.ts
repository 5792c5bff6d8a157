/** One rule, how it is removed, and the test that notices. */
export interface Mutant {
  /** What the rule protects from; one line. */
  readonly rule: string;
  /** Repository path of the file that holds it. SQL counts, too. */
  readonly file: string;
  /** Text that is in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Repository path of the test file. */
  readonly test: string;
  /** The test's own title, without those of its `describe` blocks. */
  readonly title: string;
}
