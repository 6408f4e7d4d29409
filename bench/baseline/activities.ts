import { setTimeout as sleep } from 'node:timers/promises';

import type { AccessToken, EncryptionKey, Provider, ProviderAccount, StatusAnswer } from '../../src/providers/provider';
import { createWebhookLines } from '../../src/webhooks/send';
import { signWebhook } from '../../src/webhooks/sign';
import type { BaselineOrder } from './contract';

export interface BaselineDeps {
  provider: Provider;
  account: ProviderAccount;
  pin: string;
  webhookUrl: string;
  webhookSecret: string;
  webhookTimeoutMs: number;
  /** Milliseconds between two status calls. */
  gapMs: number;
}

type Status = StatusAnswer['status'];

/** The product's five steps by the same connector and the same sender, with nothing written down in between. */
export interface BaselineActivities {
  doAll(order: BaselineOrder): Promise<Status>;
  fetchToken(): Promise<string>;
  fetchKey(token: string): Promise<EncryptionKey>;
  submit(input: {
    order: BaselineOrder;
    token: string;
    key: EncryptionKey;
  }): Promise<{ providerReference: string; gapMs: number }>;
  fetchStatus(input: { token: string; providerReference: string }): Promise<Status>;
  notify(input: { order: BaselineOrder; providerReference: string; status: Status }): Promise<void>;
}

/** A cached token is renewed when it has less than this left, in milliseconds. */
const LEAST_LIFE_MS = 60_000;

export function createBaselineActivities(deps: BaselineDeps): BaselineActivities {
  const { provider, account } = deps;
  const lineTo = createWebhookLines({ timeoutMs: deps.webhookTimeoutMs, allowLoopback: true });
  let token: Promise<AccessToken & { expiresAt: number }> | null = null;
  let key: Promise<EncryptionKey> | null = null;

  async function fetchToken(): Promise<string> {
    const cached = await token;
    if (cached && cached.expiresAt - Date.now() > LEAST_LIFE_MS) return cached.value;
    token = provider.authenticate(account).then((fresh) => ({
      ...fresh,
      expiresAt: Date.now() + fresh.expiresInSeconds * 1_000,
    }));
    return (await token).value;
  }

  function fetchKey(accessToken: string): Promise<EncryptionKey> {
    key ??= provider.account.fetchEncryptionKey(account, accessToken);
    return key;
  }

  const submit: BaselineActivities['submit'] = async ({ order, token: accessToken, key: publicKey }) => {
    const outcome = await provider.submit(
      {
        reference: order.id,
        amount: BigInt(order.amount),
        currency: 'XOF',
        recipient: order.msisdn,
        account,
        token: accessToken,
        encryptedPin: provider.account.encryptPin(deps.pin, publicKey),
      },
      () => Promise.resolve('go'),
      new Date(Date.now() + 60_000),
    );
    if ((outcome.outcome !== 'accepted' && outcome.outcome !== 'settled') || outcome.providerReference === null) {
      throw new Error(`the simulator answered ${outcome.outcome}`);
    }
    return { providerReference: outcome.providerReference, gapMs: deps.gapMs };
  };

  const fetchStatus: BaselineActivities['fetchStatus'] = async ({ token: accessToken, providerReference }) => {
    return (await provider.fetchStatus(account, accessToken, providerReference)).status;
  };

  const notify: BaselineActivities['notify'] = async ({ order, providerReference, status }) => {
    const data = {
      id: order.id,
      object: 'payout',
      state: status === 'success' ? 'succeeded' : 'failed',
      amount: String(order.amount),
      currency: 'XOF',
      method: 'orange_sn',
      recipient: { msisdn: order.msisdn },
      provider_reference: providerReference,
    };
    const type = status === 'success' ? 'payout.succeeded' : 'payout.failed';
    const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data });
    const headers = signWebhook({ id: `evt_${order.id}`, body, at: new Date() }, [deps.webhookSecret]);
    const { result } = await lineTo(deps.webhookUrl)({ body, headers });
    if (result !== 'delivered') throw new Error(`the webhook ended as ${result}`);
  };

  return {
    ...{ fetchToken, fetchKey, submit, fetchStatus, notify },
    async doAll(order) {
      const accessToken = await fetchToken();
      const { providerReference } = await submit({ order, token: accessToken, key: await fetchKey(accessToken) });
      let status = await fetchStatus({ token: accessToken, providerReference });
      while (status === 'in_flight') {
        await sleep(deps.gapMs);
        status = await fetchStatus({ token: accessToken, providerReference });
      }
      await notify({ order, providerReference, status });
      return status;
    },
  };
}
