import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import tseslint from 'typescript-eslint';

/** Which folders of src/ each folder may import from; the arrows of docs/architecture.md. */
const ARROWS = {
  domain: [],
  // Only the type of the activities, see the rule for src/workflows below.
  workflows: ['domain', 'activities'],
  providers: ['domain'],
  db: ['domain'],
  vault: ['domain', 'db'],
  temporal: ['domain', 'workflows'],
  webhooks: ['domain'],
  activities: ['domain', 'providers', 'db', 'vault', 'webhooks'],
  sweeper: ['domain', 'db', 'workflows'],
  restore: ['domain', 'db', 'providers', 'activities'],
  // Files of rows, for the API and for its clients.
  spreadsheets: [],
  api: ['domain', 'db', 'workflows', 'spreadsheets'],
  ops: ['domain', 'db', 'workflows', 'providers', 'vault'],
  // A program of merchants: it knows the API by its answers only.
  'bulk-client': ['domain', 'spreadsheets'],
  simulators: [],
  // The demonstration is a merchant too.
  start: ['domain', 'temporal', 'db', 'bulk-client'],
  prove: ['domain', 'db', 'start', 'simulators', 'temporal', 'workflows'],
  // What is written from the code's own tables; .env.example from the table of the configuration.
  docs: ['domain', 'config.ts'],
};

const zones = Object.entries(ARROWS).map(([folder, allowed]) => ({
  target: `./src/${folder}`,
  from: './src',
  except: [folder, ...allowed].map((name) => `./${name}`),
  message: `src/${folder} may import only from: ${[folder, ...allowed].join(', ')} (docs/architecture.md).`,
}));

/** What the API may see of the folders that it is allowed to import from. */
const narrowZones = [
  {
    target: './src/api',
    from: './src/workflows',
    except: ['./contract.ts'],
    message: 'The API sees workflows/contract.ts only.',
  },
  {
    target: './src/temporal',
    from: './src/workflows',
    except: ['./contract.ts', './index.ts'],
    message: 'See workflows/contract.ts.',
  },
  {
    target: './src/ops',
    from: './src/workflows',
    except: ['./contract.ts'],
    message: 'Operators see workflows/contract.ts only.',
  },
  {
    target: './src/activities',
    from: './src/providers',
    except: ['./provider.ts', './registry.ts'],
    message: 'Activities see the provider port only.',
  },
];

const NODE_BUILTINS = [
  'node:*',
  'fs',
  'net',
  'http',
  'https',
  'crypto',
  'child_process',
  'os',
  'path',
  'pg',
  'pino',
  'express',
];

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.cauri/', 'coverage/', 'test/fixtures/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones: [...zones, ...narrowZones] }],
      'import-x/no-cycle': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only main-*.ts hands process.env to loadConfig.' },
      ],
    },
  },
  {
    files: ['src/domain/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ group: [...NODE_BUILTINS, 'zod', '@temporalio/*'] }] }],
    },
  },
  {
    files: ['src/workflows/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: [...NODE_BUILTINS, 'zod', '@temporalio/client', '@temporalio/worker'] }] },
      ],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['**/activities/**'],
              allowTypeImports: true,
              message: 'Workflows see the type of the activities only.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'mutants/**/*.ts', 'src/main-*.ts', 'src/start/**/*.ts', 'jest.config.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off', '@typescript-eslint/no-unsafe-assignment': 'off' },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        fetch: 'readonly',
        Buffer: 'readonly',
      },
    },
  },
);
