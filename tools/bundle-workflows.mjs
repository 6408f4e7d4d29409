// Writes dist/workflow-bundle.js, so that a worker starts without webpack. Needs the packages and the compiled files.
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { bundleWorkflowCode, DefaultLogger } = require('@temporalio/worker');
const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');

const { code } = await bundleWorkflowCode({
  workflowsPath: join(dist, 'workflows', 'index.js'),
  // Without it a failure of a workflow would lie in clear in the history, with no error said anywhere.
  failureConverterPath: join(dist, 'temporal', 'failure-converter.js'),
  logger: new DefaultLogger('WARN'),
});
writeFileSync(join(dist, 'workflow-bundle.js'), code);
