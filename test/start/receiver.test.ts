import { Webhook } from 'standardwebhooks';
import { createReceiver, type ReceivedWebhook, type Receiver } from '../../src/start/receiver';

const SECRET = `whsec_${Buffer.from('a secret of the receiver test 32').toString('base64')}`;
const BODY = JSON.stringify({ type: 'payout.succeeded', data: { id: 'po_1' } });

let receiver: Receiver;

beforeEach(async () => {
  receiver = await createReceiver({ port: 0, secret: () => SECRET, report: () => undefined });
});

afterEach(() => receiver.close());

async function send(secret: string, body = BODY): Promise<number> {
  const at = new Date();
  const headers = {
    'webhook-id': 'evt_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign('evt_1', at, BODY),
  };
  return (await fetch(`${receiver.url}/webhooks`, { method: 'POST', headers, body })).status;
}

async function received(): Promise<ReceivedWebhook[]> {
  return (await (await fetch(`${receiver.url}/received`)).json()) as ReceivedWebhook[];
}

test('a webhook with a true signature is taken', async () => {
  expect(await send(SECRET)).toBe(204);
  expect(await received()).toMatchObject([{ id: 'evt_1', verified: true, body: { type: 'payout.succeeded' } }]);
});

test('a webhook signed with another secret is refused, and its body not shown', async () => {
  expect(await send(`whsec_${Buffer.from('another secret of thirty-two by.').toString('base64')}`)).toBe(401);
  expect(await received()).toMatchObject([{ verified: false, body: null }]);
});

test('a webhook whose body was changed on the way is refused', async () => {
  expect(await send(SECRET, BODY.replace('po_1', 'po_2'))).toBe(401);
});
