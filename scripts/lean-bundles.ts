/** esbuild plug-ins that leave out code which is never used: every kilobyte adds to a Lambda function's cold start. */
import type { Plugin } from 'esbuild';

/** Zod includes its messages in some fifty languages, 270 KB. English is part of its core and stays. */
export const englishOnly: Plugin = {
  name: 'english-only',
  setup(build) {
    build.onResolve({ filter: /locales\/index\.js$/ }, ({ importer }) =>
      /[\\/]node_modules[\\/]zod[\\/]/.test(importer) ? { path: 'locales', namespace: 'left-out' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'export {}' }));
  },
};

/**
 * The RDS signer uses the SDK's whole chain of credential providers, 240 KB with single sign-on clients and profile files. A
 * Lambda function has its credentials in the environment only.
 */
export const environmentCredentials: Plugin = {
  name: 'environment-credentials',
  setup(build) {
    build.onResolve({ filter: /^@aws-sdk\/credential-providers$/ }, () => ({
      path: 'credentials',
      namespace: 'environment-credentials',
    }));
    build.onLoad({ filter: /.*/, namespace: 'environment-credentials' }, () => ({
      contents: `
export const fromNodeProviderChain = () => async () => {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = process.env;
  if (!accessKeyId || !secretAccessKey) throw new Error('there are no credentials in the environment');
  return { accessKeyId, secretAccessKey, sessionToken };
};`,
    }));
  },
};
