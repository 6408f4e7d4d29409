/** Tests in these folders need no server; a run of them alone starts none. */
const WITHOUT_SERVERS = ['unit', 'simulators'];

/** Tests of a command of their own: `npm run kill-matrix`. */
const KILL_MATRIX = 'kill-matrix';

const common = {
  testEnvironment: 'node',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.cauri/'],
};

const withServers = {
  ...common,
  globalSetup: '<rootDir>/test/global-setup.ts',
  globalTeardown: '<rootDir>/test/global-teardown.ts',
};

const limits = {
  maxWorkers: 4,
  // A test file leaves some 60 MB in its process, most of it the SDK's: without this they grow to 2 GB each.
  workerIdleMemoryLimit: '700MB',
  testTimeout: 180_000,
  testSequencer: '<rootDir>/test/slow-first.mjs',
};

export const killMatrix = {
  ...limits,
  projects: [{ ...withServers, displayName: KILL_MATRIX, testMatch: [`<rootDir>/test/${KILL_MATRIX}/**/*.test.ts`] }],
};

export default {
  ...limits,
  projects: [
    {
      ...common,
      displayName: 'alone',
      testMatch: WITHOUT_SERVERS.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
    },
    {
      ...withServers,
      displayName: 'servers',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: [
        '/node_modules/',
        ...[...WITHOUT_SERVERS, KILL_MATRIX].map((folder) => `<rootDir>/test/${folder}/`),
      ],
    },
  ],
};
