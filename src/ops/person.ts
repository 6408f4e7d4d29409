import { isVoteRefusal } from '../db/errors';
import { addPerson, breakGlass, issueKey, mergePerson, verifyPerson } from '../db/persons';
import { ENVIRONMENTS } from '../domain/environment';
import { CommandError, positional, required, requiredMerchant, requiredOneOf } from './operator';
import type { Command, CommandArgs, KeylessCommand, OperatorContext } from './operator';

/** `break-glass`: one of the first two operators of an installation, who add and verify all others. */
export const breakGlassCommand: KeylessCommand = {
  usage: 'break-glass --name NAME --document REFERENCE',
  summary: 'make one of the first two operators; needs no key, and works twice in the life of an installation',
  async run({ pool, print }, args) {
    const { personId, key } = await toCommandError(() =>
      breakGlass(pool, { name: required(args, 'name'), document: required(args, 'document') }),
    );
    print(`added and verified: ${personId}`);
    print(`the operator key, shown once: ${key}`);
  },
};

/** `person`: one row per human, to whom keys belong. */
export const personCommand: Command = {
  usage:
    'person add --name NAME | person verify PERSON --document REFERENCE | person merge PERSON --into PERSON | person key PERSON [--merchant ID --environment sandbox|live [--system NAME]]',
  summary:
    'add a person; verify or merge one (two operators, the same command each); issue a key for a person or the system that the person is responsible for',
  run: (context, args) => toCommandError(() => STEPS[step(args)](context, args)),
};

const STEPS = { add, verify, merge, key };

function step(args: CommandArgs): keyof typeof STEPS {
  const name = positional(args, 0, 'add, verify, merge or key');
  if (name === 'add' || name === 'verify' || name === 'merge' || name === 'key') return name;
  throw new CommandError(`${name} is none of: add, verify, merge, key`);
}

async function add({ pool, print, keyId }: OperatorContext, args: CommandArgs): Promise<void> {
  print(`added: ${await addPerson(pool, { name: required(args, 'name'), keyId })}, not verified yet`);
}

async function verify({ pool, print, keyId }: OperatorContext, args: CommandArgs): Promise<void> {
  const personId = await personNamed(pool, positional(args, 1, "the person's id"));
  const document = required(args, 'document');
  const done = await verifyPerson(pool, { personId, document, keyId });
  print(
    done === 'verified'
      ? `verified: ${personId} may vote`
      : `recorded: another operator verifies ${personId} with the same command`,
  );
}

async function merge({ pool, print, keyId }: OperatorContext, args: CommandArgs): Promise<void> {
  const personId = await personNamed(pool, positional(args, 1, "the person's id"));
  const into = await personNamed(pool, required(args, 'into'));
  const done = await mergePerson(pool, { personId, into, keyId });
  print(
    done === 'merged'
      ? `merged: ${personId} counts as ${into}, with all keys`
      : `proposed: another operator merges ${personId} into ${into} with the same command`,
  );
}

async function key(context: OperatorContext, args: CommandArgs): Promise<void> {
  const { pool, print, keyId } = context;
  const personId = await personNamed(pool, positional(args, 1, "the person's id"));
  const isMerchants = args.values['merchant'] !== undefined;
  const system = args.values['system'];
  if (!isMerchants && system !== undefined) throw new CommandError('--system needs --merchant and --environment');
  const merchant = isMerchants
    ? {
        merchantId: await requiredMerchant(context, args),
        environment: requiredOneOf(args, 'environment', ENVIRONMENTS),
      }
    : null;
  const systemId = typeof system === 'string' ? system : null;
  const issued = await issueKey(pool, { personId, merchant, systemId, keyId });
  print(`issued: ${issued.id}, shown once: ${issued.key}`);
}

async function personNamed(pool: OperatorContext['pool'], personId: string): Promise<string> {
  const { rowCount } = await pool.query('select 1 from persons where id = $1', [personId]);
  if (rowCount !== 1) throw new CommandError(`there is no person ${personId}`);
  return personId;
}

/** What PostgreSQL says of a person who may not do this is for the one who typed it. */
export async function toCommandError<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (isVoteRefusal(error)) throw new CommandError(error.message);
    throw error;
  }
}
