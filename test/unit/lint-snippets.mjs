// Lints snippets by the project's own configuration: reads [{ file, code }] as JSON from stdin and writes, for each, the
// rules that it breaks. A process of its own, since ESLint imports its configuration in a way that jest cannot.
import { text } from 'node:stream/consumers';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';

// Rules that need types would read the whole tree; what is asked here is told from the imports alone.
const eslint = new ESLint({ overrideConfig: [tseslint.configs.disableTypeChecked] });
const answers = [];
for (const { file, code } of JSON.parse(await text(process.stdin))) {
  const [result] = await eslint.lintText(code, { filePath: file });
  answers.push(result.messages.map(({ ruleId, message }) => ruleId ?? message));
}
process.stdout.write(JSON.stringify(answers));
