import type { Pool } from 'pg';

import type { Environment } from '../domain/environment';
import type { Sealing } from '../domain/sealing';
import type { ProviderId } from '../domain/methods';
import { findCredential, findCredentialOfPayout } from '../db/credentials';
import type { Credential, KeyedCredential } from '../db/credentials';
import type { GatedAccount } from '../db/pin-gates';
import { endKeyLease, findProviderKey, leaseKeyRenewal, savePinCiphertext, saveProviderKey } from '../db/provider-keys';
import type { StoredPinKey } from '../db/provider-keys';
import { endTokenLease, findProviderToken, leaseTokenRenewal, saveProviderToken } from '../db/provider-tokens';
import { ProviderError } from '../providers/provider';
import type { Provider, ProviderAccount } from '../providers/provider';
import { createRenewer } from './renewed-once';
import type { RequestBudget } from './request-budget';

export interface ProviderToken {
  value: string;
  version: number;
  /** Milliseconds since the epoch, by this process's clock. */
  expiresAt: number;
}

/** A credential opened for a call that is about to be made. Never logged, never returned from an activity. */
export interface OpenedCredential extends KeyedCredential {
  account: ProviderAccount;
  gate: GatedAccount;
  pin: string;
  /** Equal for equal PINs of one account, whichever credential holds them. */
  pinFingerprint: Buffer;
}

export interface ProviderAccess {
  provider(of: { provider: ProviderId; environment: Environment }): Provider;
  /** By its id, or as it was read a moment ago. */
  open(credential: string | Credential | KeyedCredential): Promise<OpenedCredential>;
  openFor(payoutId: string): Promise<OpenedCredential>;
  /**
   * A token with at least `leastLifeMs` to live that is newer than `afterVersion`. Throws `ProviderError`, also where the
   * credential was replaced since it was opened and its token is another client's: it is to be opened again.
   */
  token(credential: OpenedCredential, need: { leastLifeMs: number; afterVersion?: number }): Promise<ProviderToken>;
  /** Makes a call that moves no money; a refused token is renewed once and the call made again. */
  retryingToken<T>(credential: OpenedCredential, token: ProviderToken, call: (token: string) => Promise<T>): Promise<T>;
  /**
   * The credential's PIN under the provider's public key, another one than `staleKeyId`: encrypted once per key and kept
   * in the vault. Throws `ProviderError`.
   */
  encryptedPin(credential: OpenedCredential, staleKeyId?: string): Promise<{ keyId: string; value: string }>;
  /** The PIN under the same key, so often and each time anew, for the lines of a batch. Throws `ProviderError`. */
  encryptedPins(credential: OpenedCredential, count: number): Promise<{ keyId: string; values: readonly string[] }>;
}

export interface ProviderAccessDeps {
  pool: Pool;
  sealing: Sealing;
  fingerprintPin: (provider: string, accountNumber: string, pin: string) => Buffer;
  providers: Readonly<Record<ProviderId, Readonly<Record<Environment, Provider>>>>;
  budget: RequestBudget;
}

/** How long one renewal may keep its lease, and how long others wait for it; longer than any token call. */
const RENEWAL_MS = 40_000;

/** Opens credentials and keeps tokens, keys and encrypted PINs: renewed ahead of their end, by one caller at a time. */
export function createProviderAccess(deps: ProviderAccessDeps): ProviderAccess {
  const { pool, sealing, providers, budget } = deps;
  const providerOf: ProviderAccess['provider'] = ({ provider, environment }) => providers[provider][environment];
  const renewOnce = createRenewer();
  /** With the version of the credential that they were fetched for: a replaced one finds none of the old client's. */
  const tokens = new Map<string, ProviderToken & { pinVersion: number }>();

  function remember({ id, pinVersion }: Credential, token: ProviderToken): ProviderToken {
    tokens.set(id, { ...token, pinVersion });
    return token;
  }

  /** The version is also told where there is no token any more, since the renewal is leased by it; 0: never was one. */
  async function readToken(credential: Credential): Promise<{ version: number; token: ProviderToken | null }> {
    const stored = await findProviderToken(pool, credential);
    if (!stored) throw new ProviderError('token', 'the credential was replaced since it was opened');
    const { version } = stored;
    if (!stored.tokenEnc) return { version, token: null };
    const value = await sealing.open(credential.merchantId, 'provider-token', stored.tokenEnc);
    return { version, token: remember(credential, { value, version, expiresAt: Date.now() + stored.expiresInMs }) };
  }

  async function unseal(credential: Credential | KeyedCredential): Promise<OpenedCredential> {
    const { merchantId } = credential;
    const secret = JSON.parse(await sealing.open(merchantId, 'credential', credential.secretEnc)) as Pick<
      ProviderAccount,
      'clientId' | 'clientSecret'
    >;
    const pin = await sealing.open(merchantId, 'pin', credential.pinEnc);
    return {
      // Read where it is needed.
      pinKey: null,
      ...credential,
      pin,
      account: { ...secret, accountNumber: credential.accountNumber, idType: credential.idType },
      gate: {
        provider: credential.provider,
        environment: credential.environment,
        accountNumber: credential.accountNumber,
      },
      pinFingerprint: deps.fingerprintPin(credential.provider, credential.accountNumber, pin),
    };
  }

  const access: ProviderAccess = {
    provider: providerOf,

    open: async (found) => await unseal(typeof found === 'string' ? await findCredential(pool, found) : found),

    openFor: async (payoutId) => await unseal(await findCredentialOfPayout(pool, payoutId)),

    async token(credential, { leastLifeMs, afterVersion = 0 }) {
      const isGood = (token: ProviderToken): boolean =>
        token.version > afterVersion && token.expiresAt - Date.now() >= leastLifeMs;
      const cached = tokens.get(credential.id);
      if (cached?.pinVersion === credential.pinVersion && isGood(cached)) return cached;
      let seen = 0;
      return await renewOnce(`token/${credential.id}/${credential.pinVersion}/${afterVersion}`, {
        read: async () => {
          const { version, token } = await readToken(credential);
          seen = version;
          return token && isGood(token) ? token : null;
        },
        lease: () => leaseTokenRenewal(pool, { credentialId: credential.id, version: seen, leaseMs: RENEWAL_MS }),
        renew: async () => {
          await budget.spend(credential.gate);
          const fresh = await providerOf(credential).authenticate(credential.account);
          const tokenEnc = await sealing.seal(credential.merchantId, 'provider-token', fresh.value);
          const lifeMs = fresh.expiresInSeconds * 1_000;
          const leased = { credentialId: credential.id, version: seen };
          const version = await saveProviderToken(pool, { ...leased, tokenEnc, lifeMs });
          if (version === null) return null;
          return remember(credential, { value: fresh.value, version, expiresAt: Date.now() + lifeMs });
        },
        giveUp: () => endTokenLease(pool, { credentialId: credential.id, version: seen }),
        patienceMs: RENEWAL_MS,
      });
    },

    async retryingToken(credential, token, call) {
      try {
        return await call(token.value);
      } catch (error) {
        if (!(error instanceof ProviderError) || error.kind !== 'token') throw error;
        const renewed = await access.token(credential, { leastLifeMs: 5_000, afterVersion: token.version });
        await budget.spend(credential.gate);
        return await call(renewed.value);
      }
    },

    async encryptedPin(credential, staleKeyId) {
      const key = await publicKey(credential, staleKeyId);
      return { keyId: key.keyId, value: await pinUnder(key, credential) };
    },

    async encryptedPins(credential, count) {
      const key = await publicKey(credential);
      const { account } = providerOf(credential);
      const encrypt = (): string => account.encryptPin(credential.pin, { id: key.keyId, key: key.publicKey });
      return { keyId: key.keyId, values: Array.from({ length: count }, encrypt) };
    },
  };
  return access;

  /** The provider's public key, another one than `staleKeyId`, with the ciphertext that the vault has under it. */
  async function publicKey(credential: OpenedCredential, staleKeyId?: string): Promise<StoredPinKey> {
    const stale = staleKeyId ?? null;
    const { pinKey } = credential;
    if (pinKey && pinKey.keyId !== stale) return pinKey;
    return await renewOnce(`key/${credential.id}/${credential.pinVersion}/${stale ?? ''}`, {
      read: async () => {
        const stored = await findProviderKey(pool, credential);
        return stored && stored.keyId !== stale ? stored : null;
      },
      lease: () => leaseKeyRenewal(pool, { credentialId: credential.id, staleKeyId: stale, leaseMs: RENEWAL_MS }),
      renew: async () => {
        const token = await access.token(credential, { leastLifeMs: 5_000 });
        await budget.spend(credential.gate);
        const { account } = providerOf(credential);
        const fetched = await account.fetchEncryptionKey(credential.account, token.value);
        const fresh = { keyId: fetched.id, publicKey: fetched.key };
        await saveProviderKey(pool, credential.id, fresh);
        return { ...fresh, ciphertextEnc: null };
      },
      giveUp: () => endKeyLease(pool, credential.id),
      patienceMs: RENEWAL_MS,
    });
  }

  async function pinUnder(key: StoredPinKey, credential: OpenedCredential): Promise<string> {
    const { id: credentialId, merchantId, pinVersion } = credential;
    if (key.ciphertextEnc) return await sealing.open(merchantId, 'pin-ciphertext', key.ciphertextEnc);
    const { account } = providerOf(credential);
    const ciphertext = account.encryptPin(credential.pin, { id: key.keyId, key: key.publicKey });
    const ciphertextEnc = await sealing.seal(merchantId, 'pin-ciphertext', ciphertext);
    await savePinCiphertext(pool, { credentialId, pinVersion, keyId: key.keyId, ciphertextEnc });
    return ciphertext;
  }
}
