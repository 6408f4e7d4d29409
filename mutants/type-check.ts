import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import ts from 'typescript';

/** What a change may leave behind: names that nothing uses any more, and code that is never reached. */
const LEFT_BEHIND = new Set([6133, 6192, 6196, 6198, 7027]);

/** Tells what the compiler says of a changed file; one that does not compile breaks no rule. */
export function createTypeCheck(root: string): (file: string, text: string) => string | null {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const changed = new Map<string, { text: string; version: number }>();
  let current = '';
  let version = 0;
  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => options,
    getScriptFileNames: () => [current],
    getScriptVersion: (file) => String(changed.get(file)?.version ?? 0),
    getScriptSnapshot: (file) => {
      const text = changed.get(file)?.text ?? (existsSync(file) ? readFileSync(file, 'utf8') : undefined);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: (settings) => ts.getDefaultLibFilePath(settings),
    fileExists: (file) => ts.sys.fileExists(file),
    readFile: (file) => ts.sys.readFile(file),
    readDirectory: (...args) => ts.sys.readDirectory(...args),
    directoryExists: (path) => ts.sys.directoryExists(path),
    getDirectories: (path) => ts.sys.getDirectories(path),
  };
  const service = ts.createLanguageService(host);

  return (file, text) => {
    current = join(root, file);
    version += 1;
    changed.set(current, { text, version });
    const found = [...service.getSyntacticDiagnostics(current), ...service.getSemanticDiagnostics(current)];
    changed.delete(current);
    const [first] = found.filter(({ code }) => !LEFT_BEHIND.has(code));
    return first ? ts.flattenDiagnosticMessageText(first.messageText, ' ') : null;
  };
}
