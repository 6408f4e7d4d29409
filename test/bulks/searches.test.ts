import { createLineSearch } from '../../src/activities/lines/search-lines';
import { newId } from '../../src/db/ids';
import { withTransaction } from '../../src/db/transaction';
import type { ProviderRow } from '../../src/domain/look-up';
import type { Payout } from '../../src/domain/payout';
import type { Submission } from '../../src/domain/submission';
import { ACCOUNT, createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { standBulk } from '../helpers/standing-bulk';
import { CUT, depsWith, passesOf, rowOf } from '../helpers/told-provider';
import type { Passes } from '../helpers/told-provider';

type Shown = ProviderRow['status'] | 'nothing' | typeof CUT;

const RECIPIENT = '+221771234567';

describe('what a search over a bulk’s items proves', () => {
  let world: PayoutWorld;

  beforeAll(async () => {
    world = await createPayoutWorld();
    await world.pool.query("select top_up_float($1, 'sandbox', 'XOF', 10000000, 'much')", [world.merchantId]);
  });
  afterAll(() => world.close());

  interface Stood {
    bulkId: string;
    line: Payout;
    submission: Submission;
  }

  /** A running bulk with one item, whose call has this outcome; with `batch` in a batch of that outcome. */
  async function stand(state: string, outcome: string, batch: string | null = null): Promise<Stood> {
    const batchId = batch === null ? null : newId('bat');
    const bulkId = await withTransaction(world.pool, async (trx) => {
      const id = await standBulk(trx, { merchantId: world.merchantId, lines: 1, state, outcome });
      await trx.query('set local session_replication_role = replica');
      await trx.query('update payouts set credential_id = $2, recipient_msisdn = $3 where bulk_id = $1', [
        id,
        world.credentialId,
        RECIPIENT,
      ]);
      await trx.query(
        `update submissions set credential_id = $2, account_number = $3, batch_id = $4, send_by = now() - interval '1 minute'
         where payout_id = $1`,
        [`${id}-1`, world.credentialId, ACCOUNT, batchId],
      );
      await trx.query(
        `insert into bulk_batches (id, bulk_id, provider, credential_id, account_number, callback_token_hash, lines, writer, send_by, outcome)
         select $1, $2, 'orange', $3, $4, decode(md5($1), 'hex'), 1, 'test', now(), $5 where $1 is not null`,
        [batchId, id, world.credentialId, ACCOUNT, batch],
      );
      return id;
    });
    const line = await world.payout(`${bulkId}-1`);
    const [submission] = await world.submissions(line.id);
    return { bulkId, line, submission: submission! };
  }

  function passesOver({ submission }: Stood, shown: readonly Shown[]): Passes {
    return passesOf(
      shown.map((status) => {
        if (status === CUT) return CUT;
        return status === 'nothing' ? [] : [rowOf(world, submission, RECIPIENT, status)];
      }),
    );
  }

  test.each<[string, Shown[], string]>([
    ['a refusal that two searches show fails it', ['failed', 'failed'], 'failed'],
    ['a refusal and then a success pays it', ['failed', 'success'], 'succeeded'],
    ['a refusal and then one in flight is not final', ['failed', 'in_flight'], 'pending'],
    ['a refusal and then nothing proves nothing', ['failed', 'nothing'], 'unknown'],
    ['a refusal and then a search that is cut proves nothing', ['failed', CUT], 'unknown'],
  ])('%s', async (_, shown, state) => {
    const stood = await stand('unknown', 'unknown');
    const passes = passesOver(stood, shown);
    await createLineSearch(depsWith(world, { listTransactions: passes.next }), stood.bulkId).find([stood.line]);
    expect((await world.payout(stood.line.id)).state).toBe(state);
    expect(passes.asked()).toBe(2);
  });

  test.each<[string, Shown[], string]>([
    ['a refusal in two searches says that it may be tried again', ['failed', 'failed'], 'rejected'],
    ['nothing and then a success says that it is paid', ['nothing', 'success'], 'settled'],
    ['a refusal and then one in flight says that it is under way', ['failed', 'in_flight'], 'in_flight'],
  ])('before a retry: %s', async (_, shown, verdict) => {
    const { bulkId, line: payout, submission } = await stand('failed', 'rejected');
    const passes = passesOver({ bulkId, line: payout, submission }, shown);
    const search = createLineSearch(depsWith(world, { listTransactions: passes.next }), bulkId);
    await expect(search.lookAgain([{ payout, submission }])).resolves.toMatchObject([{ verdict }]);
    expect(passes.asked()).toBe(2);
  });

  describe('of a batch that the provider’s answer refused', () => {
    async function prove(shown: readonly Shown[], batch = 'refused_whole'): Promise<string> {
      const stood = await stand('unknown', 'unknown', batch);
      const passes = passesOver(stood, shown);
      const search = createLineSearch(depsWith(world, { listTransactions: passes.next }), stood.bulkId);
      await search.proveRefused([stood.line]);
      return (await world.payout(stood.line.id)).state;
    }

    test.each<[string, Shown[], string]>([
      ['two searches that show nothing prove it unpaid', ['nothing', 'nothing'], 'failed'],
      ['one that the first search shows is not proven unpaid', ['success', 'nothing'], 'unknown'],
      ['one that the second search shows is not proven unpaid', ['nothing', 'in_flight'], 'unknown'],
      ['nothing and then a search that is cut proves nothing', ['nothing', CUT], 'unknown'],
    ])('%s', async (_, shown, state) => {
      await expect(prove(shown)).resolves.toBe(state);
    });

    test.each(['taken', 'rejected', 'unknown'])('and of no other: %s', async (batch) => {
      await expect(prove(['nothing', 'nothing'], batch)).resolves.toBe('unknown');
    });
  });
});
