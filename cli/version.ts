import packageJson from '../package.json' with { type: 'json' };

/** The version in package.json; a bundler copies it in. */
export const version: string = packageJson.version;
