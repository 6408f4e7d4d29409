import { raiseAlerts } from '../../src/db/operator-alerts';
import { openReviewItem } from '../../src/db/review-items';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { standPayout } from '../helpers/standing-payout';
import { createOperatorsDesk } from './operators-desk';
import type { OperatorsDesk } from './operators-desk';

describe('An operator on call looks by the API', () => {
  let world: PayoutWorld;
  let desk: OperatorsDesk;

  beforeAll(async () => {
    world = await createPayoutWorld();
    desk = createOperatorsDesk(world);
  });
  afterAll(() => world.close());

  const said = async (command: string, words = ''): Promise<string> =>
    (await desk.run(command, words)).printed.join('\n');

  test('sees on one screen what needs attention, with its age and the command that shows more', async () => {
    expect(await said('status')).toContain('nothing needs attention');
    const { id } = await standPayout(world, { state: 'in_review', outcomes: ['unknown'] });
    await standPayout(world, { state: 'queued' });
    await openReviewItem(world.pool, { payoutId: id, kind: 'double_credit', detail: null });
    await desk.run('stop', `payout ${id} --reason odd`);
    await world.pool.query(
      `insert into pin_gates (provider, environment, account_number, pin_fingerprint, state, last_code)
       values ('orange', 'live', '779999999', '', 'blocked', '2001')`,
    );
    const screen = await said('status');
    expect(screen).toMatch(/^\S+Z {2}api: database ok, temporal ok\n/);
    expect(screen).toMatch(/^! reviews +1 double_credit {2}since \S+Z \(0 min\) {2}→ ops reviews$/m);
    expect(screen).toMatch(/^! gates +orange live 779999999 blocked 2001 .* → ops gates$/m);
    expect(screen).toMatch(new RegExp(`^! stops +payout ${id}: odd `, 'm'));
    expect(screen).toMatch(/^! payouts +1 in_review /m);
    expect(screen).toMatch(/^ {2}payouts +1 queued \(accepted_by_api\) {2}since /m);
  });

  test('sees a float that is below its threshold, from the alert that was raised of it', async () => {
    await desk.run(
      'float-alert',
      `--merchant ${world.merchantId} --environment sandbox --currency XOF --below 9000000`,
    );
    await raiseAlerts(world.pool, []);
    expect(await said('status')).toMatch(
      new RegExp(`^! float +${world.merchantId} sandbox XOF: \\d+ was available, alert below 9000000 `, 'm'),
    );
  });

  test('finds payouts by state and reason, and one with its submissions', async () => {
    const { id, submissions } = await standPayout(world, { state: 'unknown', outcomes: ['unknown'] });
    const list = await said('payouts', '--state unknown');
    expect(list).toMatch(new RegExp(`^${id} +${world.merchantId} .* 1000 +XOF`, 'm'));
    expect(list.split('\n')).toHaveLength(2);
    expect(await said('payouts', '--state unknown --reason credential_blocked')).toBe('no payout matches');
    const one = await said('payouts', id);
    expect(one).toMatch(new RegExp(`^merchant_id +${world.merchantId}$`, 'm'));
    expect(one).toMatch(new RegExp(`^submissions:\\n  id .*\\n  ${submissions[0]} +1 +1 +call +unknown`, 'm'));
  });

  test('lists gates, stops, restores and failing webhooks', async () => {
    expect(await said('gates')).toContain('779999999');
    expect(await said('stops')).toContain('odd');
    expect(await said('restores')).toBe('the database was never restored');
    expect(await said('webhooks')).toBe('every event is delivered or still young');
  });

  test('is told what is wrong with the question', async () => {
    const { refused } = await desk.run('payouts', '--state lost');
    expect(refused).toMatch(/the API answers 422: .*\n {2}state: give states, apart by commas: accepted, /);
  });
});
