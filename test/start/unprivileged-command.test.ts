import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asIdentity, unprivilegedIdentity } from '../../src/start/unprivileged-command';

const testAsRoot = process.getuid?.() === 0 ? test : test.skip;

testAsRoot(
  'a program in a folder closed to other users runs as somebody else than root, and finds itself',
  async () => {
    const closed = mkdtempSync(join(tmpdir(), 'cauri-closed-'));
    const program = join(closed, 'program');
    const data = join(closed, 'data');
    writeFileSync(program, '#!/bin/sh\ntest -x "$0" && touch "$1/made" && id -u\n', { mode: 0o755 });
    mkdirSync(data, { mode: 0o700 });
    const identity = unprivilegedIdentity();
    chownSync(data, identity.uid!, identity.gid!);
    const command = asIdentity(identity, program, [data], closed);
    const output = execFileSync(command.command, command.args, { ...command.identity, encoding: 'utf8', cwd: '/' });
    await rm(closed, { recursive: true });
    expect(Number(output)).toBe(identity.uid);
    expect(identity.uid).not.toBe(0);
  },
);

testAsRoot('in open folders no capability is needed', () => {
  const identity = unprivilegedIdentity();
  expect(asIdentity(identity, '/bin/true', [], '/tmp')).toEqual({ command: '/bin/true', args: [], identity });
});
