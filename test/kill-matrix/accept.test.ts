import { createApiKey } from '../../src/db/api-keys';
import { eventually } from '../helpers/eventually';
import { createKillMerchant, KILL_FLOAT } from './kill-merchant';
import { startKillProcess } from './kill-process';
import { startKillPostgres, startKillTemporal } from './kill-servers';
import type { KillServer } from './kill-servers';
import { settle } from './kill-stage';
import { createPayoutWorld } from '../helpers/payout-world';
import type { PayoutWorld } from '../helpers/payout-world';
import { startProduct } from '../helpers/product';

/** Where a request stands. From `start` on it is answered. */
const POINTS = [
  { name: 'before it is accepted', reference: 'accept-before', at: { point: 'accept:before' }, isAnswered: false },
  { name: 'while it is accepted', reference: 'accept-sent', at: { point: 'accept:sent' }, isAnswered: false },
  { name: 'after it was accepted', reference: 'accept-after', at: { point: 'accept:after' }, isAnswered: false },
  { name: 'before its run is started', reference: 'start-before', at: { point: 'start:before' }, isAnswered: true },
  { name: 'after its run was started', reference: 'start-after', at: { point: 'start:after' }, isAnswered: true },
] as const;

const DAYS = [
  { day: 'the API is killed', start: null, act: 'kill' },
  { day: 'the API is stopped, and woken when another has answered', start: null, act: 'freeze' },
  { day: 'PostgreSQL is stopped and the API goes on without it', start: startKillPostgres, act: 'stopped' },
  { day: 'PostgreSQL is killed', start: startKillPostgres, act: 'killed' },
  { day: 'Temporal is killed and the API goes on without it', start: startKillTemporal, act: 'killed' },
] as const;

interface Told {
  status: number;
  id: string;
}

interface Scene {
  world: PayoutWorld;
  merchants: readonly { merchantId: string }[];
  recipients: readonly string[];
  /** What the first request of each was told, null where it was told nothing. */
  first: readonly (Told | null)[];
  /** What the request that was made until it was told 202 was told. */
  repeated: readonly Told[];
}

const scenes: Scene[] = [];
const closers: (() => Promise<void>)[] = [];

async function merchantWithKey(world: PayoutWorld, index: number): Promise<{ merchantId: string; key: string }> {
  const { merchantId } = await createKillMerchant(world, index);
  const { key } = await createApiKey(world.pool, {
    ...{ role: 'merchant', merchantId, environment: 'sandbox' },
    subject: { kind: 'system', systemId: 'sys_test', responsiblePersonId: 'per_shop' },
  });
  return { merchantId, key };
}

async function play({ start, act }: (typeof DAYS)[number]): Promise<Scene> {
  const server: KillServer | null = start === null ? null : await start();
  if (server) closers.unshift(server.close);
  const world = await createPayoutWorld(server?.servers);
  closers.unshift(() => world.close());
  // Each request of a merchant of its own: one that stands holds up the others of its merchant.
  const merchants = await Promise.all(POINTS.map((_, index) => merchantWithKey(world, index)));
  const worker = startProduct('worker', world.env);
  closers.unshift(() => worker.kill('SIGTERM'));
  const plan = Object.fromEntries(POINTS.map(({ reference, at }) => [reference, at]));
  const api = startKillProcess('kill-api', { env: world.env, plan });
  closers.unshift(api.kill);
  const recipients = POINTS.map(() => world.recipientOf('success'));

  const ask = async (port: number, index: number): Promise<Told | null> => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/payouts`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bearer ${merchants[index]?.key ?? ''}`, 'content-type': 'application/json' },
        'idempotency-key': POINTS[index]?.reference ?? '',
      },
      body: JSON.stringify({
        ...{ amount: 1_000, currency: 'XOF', description: 'wages', method: 'orange_sn' },
        ...{ reference: POINTS[index]?.reference, recipient: { msisdn: recipients[index] } },
        customer: { email: 'awa@example.com', first_name: 'Awa', last_name: 'Ndiaye' },
      }),
    }).catch(() => null);
    return answer && { status: answer.status, id: ((await answer.json()) as { id: string }).id };
  };

  const port = await api.up();
  await worker.port();
  // On a busy machine it may have to be asked again before it comes as far as its point.
  const askFirst = async (index: number): Promise<Told | null> => {
    const told = await ask(port, index);
    return told?.status === 503 ? await askFirst(index) : told;
  };
  const asked = POINTS.map((_, index) => askFirst(index));
  await api.allReached();
  await Promise.all(asked.filter((_, index) => POINTS[index]?.isAnswered));
  if (server && act !== 'kill' && act !== 'freeze') {
    await server.away(act);
    api.letGo();
    await settle();
    await server.back();
  }
  let secondPort = port;
  if (act === 'kill') await api.kill();
  if (act === 'freeze') api.freeze();
  if (!server) {
    const second = startProduct('api', world.env);
    closers.unshift(() => second.kill('SIGTERM'));
    secondPort = await second.port();
  }
  const repeated = await Promise.all(
    POINTS.map(({ name }, index) =>
      eventually(`${name}: accepted`, async () => {
        const told = await ask(secondPort, index);
        return told?.status === 202 && told;
      }),
    ),
  );
  if (act === 'freeze') {
    api.letGo();
    api.thaw();
  }
  const first = await Promise.all(asked);
  // One that does not succeed is its own test's to tell.
  await Promise.all(repeated.map(({ id }) => world.untilState(id, 'succeeded').catch(() => undefined)));
  await settle();
  return { world, merchants, recipients, first, repeated };
}

beforeAll(async () => {
  scenes.push(...(await Promise.all(DAYS.map(play))));
}, 300_000);

afterAll(async () => {
  for (const close of closers) await close();
});

describe.each(DAYS.map(({ day }, index) => [day, index] as const))('%s while a request stands', (_day, which) => {
  test.each(POINTS.map((point, index) => [point.name, point, index] as const))(
    '%s: accepted once, paid once',
    async (_name, { reference, isAnswered }, index) => {
      const { world, merchants, recipients, first, repeated } = scenes[which]!;
      const id = repeated[index]?.id ?? '';
      // Whoever was told 202 was told of the one payout that there is.
      if (isAnswered) expect(first[index]?.status).toBe(202);
      if (first[index]?.status === 202) expect(first[index].id).toBe(id);
      const { rows } = await world.pool.query('select id from payouts where reference = $1', [reference]);
      expect(rows).toEqual([{ id }]);
      expect((await world.payout(id)).state).toBe('succeeded');
      expect(await world.credited(recipients[index]!)).toBe(1_000n);
      const { rows: balances } = await world.pool.query(
        "select kind, balance from ledger_accounts where merchant_id = $1 and kind in ('available', 'held') order by kind",
        [merchants[index]?.merchantId],
      );
      expect(balances).toEqual([
        { kind: 'available', balance: KILL_FLOAT - 1_000n },
        { kind: 'held', balance: 0n },
      ]);
    },
  );
});
