import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

import { FAILURE_CONVERTER_PATH } from '../../src/temporal/data-converter';
import type { TestServer } from '../global-teardown';

const WORKFLOWS = path.join(__dirname, '..', '..', 'src', 'workflows', 'index.ts');

/** Bundles the workflows once for all test files: webpack takes seconds in each. Returns what removes the bundle. */
export async function bundleWorkflowsForTests(): Promise<TestServer> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: WORKFLOWS,
    failureConverterPath: FAILURE_CONVERTER_PATH,
    logger: new DefaultLogger('ERROR'),
  });
  const directory = await mkdtemp(path.join(tmpdir(), 'cauri-workflows-'));
  process.env['CAURI_TEST_WORKFLOWS'] = path.join(directory, 'bundle.js');
  await writeFile(process.env['CAURI_TEST_WORKFLOWS'], code);
  return { close: () => rm(directory, { recursive: true, force: true }) };
}

/** The workflows as they are now. */
export function workflowBundle(): { codePath: string } {
  const codePath = process.env['CAURI_TEST_WORKFLOWS'];
  if (codePath === undefined) throw new Error('the workflows are not bundled: global-setup does it');
  return { codePath };
}
