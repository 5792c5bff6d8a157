/** What `import ... from 'p2pfk'` finds: up to 0.1 that was the CDK construct. The names are exported, so that this message is what a program ends with. */
export const [PartitionForeignKeyMigration, DatabaseAuthentication, clusterDatabase, instanceDatabase] = moved();

/** @returns nothing */
function moved() {
  throw new Error(
    'The CDK construct of p2pfk is a package of its own since 0.2: install p2pfk-cdk from where you have p2pfk, and import from "p2pfk-cdk".',
  );
}
