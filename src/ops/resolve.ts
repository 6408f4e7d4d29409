import {
  confirmDecision,
  DecisionRefused,
  findDecidedPayout,
  proposeDecision,
  withdrawDecision,
} from '../db/decisions';
import { isGuardRefusal } from '../db/errors';
import { findPayout } from '../db/payout-rows';
import { bringToPeople } from '../db/refusals';
import { RESOLUTIONS } from '../domain/review';
import { CommandError, positional, required, requiredOneOf } from './operator';
import type { Command, CommandArgs, OperatorContext } from './operator';

/** `resolve propose|confirm|withdraw`: two persons decide about a payout, with evidence. */
export const resolveCommand: Command = {
  usage: `resolve propose PAYOUT --as ${RESOLUTIONS.join('|')} --evidence TEXT [--provider-reference REF] | resolve confirm DECISION | resolve withdraw DECISION`,
  summary: 'decide about a payout in review, or turn a final one; two persons, with evidence',
  async run(context, args) {
    try {
      await RESOLVE_STEPS[step(args)](context, args);
    } catch (error) {
      if (error instanceof DecisionRefused) throw new CommandError(error.message);
      throw error;
    }
  },
};

const RESOLVE_STEPS = { propose, confirm, withdraw };

function step(args: CommandArgs): keyof typeof RESOLVE_STEPS {
  const name = positional(args, 0, 'propose, confirm or withdraw');
  if (name === 'propose' || name === 'confirm' || name === 'withdraw') return name;
  throw new CommandError(`${name} is none of: propose, confirm, withdraw`);
}

async function propose(context: OperatorContext, args: CommandArgs): Promise<void> {
  const payoutId = positional(args, 1, 'the payout id');
  const payout = await findPayout(context.pool, payoutId);
  if (!payout) throw new CommandError(`there is no payout ${payoutId}`);
  const reference = args.values['provider-reference'];
  const decisionId = await proposeDecision(context.pool, {
    payoutId,
    resolution: requiredOneOf(args, 'as', RESOLUTIONS),
    evidenceEnc: await context.sealing.seal(payout.merchantId, 'evidence', required(args, 'evidence')),
    providerReference: typeof reference === 'string' ? reference : null,
    keyId: context.keyId,
    marginMs: context.sendByMarginMs,
  });
  context.print(
    `proposed: ${decisionId}. Another person confirms it with: npm run ops -- resolve confirm ${decisionId}`,
  );
}

async function confirm(context: OperatorContext, args: CommandArgs): Promise<void> {
  const decisionId = positional(args, 1, 'the decision id');
  try {
    const payout = await confirmDecision(context.pool, {
      decisionId,
      keyId: context.keyId,
      marginMs: context.sendByMarginMs,
      windowMs: context.settlementWindowMs,
      watchMs: context.watchMs,
    });
    context.print(`confirmed: ${payout.id} is ${payout.state} (version ${payout.version})`);
  } catch (error) {
    if (!isGuardRefusal(error)) throw error;
    await bringToPeople(context, await findDecidedPayout(context.pool, decisionId), error);
    throw new CommandError(
      `PostgreSQL refused it, and nothing was changed: ${error.message}. That is a question of its own now (undo_refused): withdraw the decision and look again`,
    );
  }
}

async function withdraw(context: OperatorContext, args: CommandArgs): Promise<void> {
  const decisionId = positional(args, 1, 'the decision id');
  await withdrawDecision(context.pool, { decisionId, personId: context.personId });
  context.print(`withdrawn: ${decisionId}`);
}
