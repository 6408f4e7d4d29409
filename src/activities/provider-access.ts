import type { Pool } from 'pg';

import type { Sealing } from '../domain/sealing';
import type { ProviderId } from '../domain/methods';
import { findCredential } from '../db/credentials';
import type { Credential } from '../db/credentials';
import type { GatedAccount } from '../db/pin-gates';
import {
  endKeyLease,
  findPinCiphertext,
  findProviderKey,
  leaseKeyRenewal,
  savePinCiphertext,
  saveProviderKey,
} from '../db/provider-keys';
import type { StoredKey } from '../db/provider-keys';
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
export interface OpenedCredential extends Credential {
  account: ProviderAccount;
  gate: GatedAccount;
  pin: string;
  /** Equal for equal PINs of one account, whichever credential holds them. */
  pinFingerprint: Buffer;
}

export interface ProviderAccess {
  provider(id: ProviderId): Provider;
  open(credentialId: string): Promise<OpenedCredential>;
  /** A token with at least `leastLifeMs` to live that is newer than `afterVersion`. Throws `ProviderError`. */
  token(credential: OpenedCredential, need: { leastLifeMs: number; afterVersion?: number }): Promise<ProviderToken>;
  /** Makes a call that moves no money; a refused token is renewed once and the call made again. */
  retryingToken<T>(credential: OpenedCredential, token: ProviderToken, call: (token: string) => Promise<T>): Promise<T>;
  /** The provider's public key, another than `staleKeyId`. Throws `ProviderError`. */
  key(credential: OpenedCredential, need?: { staleKeyId: string }): Promise<StoredKey>;
  /** The credential's PIN under a key, encrypted once per key and kept in the vault. */
  pinCiphertext(credential: OpenedCredential, key: StoredKey): Promise<string>;
}

export interface ProviderAccessDeps {
  pool: Pool;
  sealing: Sealing;
  fingerprintPin: (provider: string, accountNumber: string, pin: string) => Buffer;
  providers: Readonly<Record<ProviderId, Provider>>;
  budget: RequestBudget;
}

/** How long one renewal may keep its lease, and how long others wait for it; longer than any token call. */
const RENEWAL_MS = 40_000;

/** Opens credentials and keeps tokens, keys and encrypted PINs: renewed ahead of their end, by one caller at a time. */
export function createProviderAccess(deps: ProviderAccessDeps): ProviderAccess {
  const { pool, sealing, providers, budget } = deps;
  const renewOnce = createRenewer();
  const tokens = new Map<string, ProviderToken>();

  /** The version is also told where there is no token any more, since the renewal is leased by it; 0: never was one. */
  async function readToken(credential: Credential): Promise<{ version: number; token: ProviderToken | null }> {
    const stored = await findProviderToken(pool, credential.id);
    const version = stored?.version ?? 0;
    if (!stored?.tokenEnc) return { version, token: null };
    const value = await sealing.open(credential.merchantId, 'provider-token', stored.tokenEnc);
    const token = { value, version, expiresAt: Date.now() + stored.expiresInMs };
    tokens.set(credential.id, token);
    return { version, token };
  }

  return {
    provider: (id) => providers[id],

    async open(credentialId) {
      const credential = await findCredential(pool, credentialId);
      const { merchantId } = credential;
      const secret = JSON.parse(await sealing.open(merchantId, 'credential', credential.secretEnc)) as Pick<
        ProviderAccount,
        'clientId' | 'clientSecret'
      >;
      const pin = await sealing.open(merchantId, 'pin', credential.pinEnc);
      return {
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
    },

    async token(credential, { leastLifeMs, afterVersion = 0 }) {
      const isGood = (token: ProviderToken): boolean =>
        token.version > afterVersion && token.expiresAt - Date.now() >= leastLifeMs;
      const cached = tokens.get(credential.id);
      if (cached && isGood(cached)) return cached;
      let seen = 0;
      return await renewOnce(`token/${credential.id}/${afterVersion}`, {
        read: async () => {
          const { version, token } = await readToken(credential);
          seen = version;
          return token && isGood(token) ? token : null;
        },
        lease: () => leaseTokenRenewal(pool, { credentialId: credential.id, version: seen, leaseMs: RENEWAL_MS }),
        renew: async () => {
          await budget.spend(credential.gate);
          const fresh = await providers[credential.provider].authenticate(credential.account);
          const tokenEnc = await sealing.seal(credential.merchantId, 'provider-token', fresh.value);
          const lifeMs = fresh.expiresInSeconds * 1_000;
          const version = await saveProviderToken(pool, { credentialId: credential.id, tokenEnc, lifeMs });
          const token = { value: fresh.value, version, expiresAt: Date.now() + lifeMs };
          tokens.set(credential.id, token);
          return token;
        },
        giveUp: () => endTokenLease(pool, credential.id),
        patienceMs: RENEWAL_MS,
      });
    },

    async retryingToken(credential, token, call) {
      try {
        return await call(token.value);
      } catch (error) {
        if (!(error instanceof ProviderError) || error.kind !== 'token') throw error;
        const renewed = await this.token(credential, { leastLifeMs: 5_000, afterVersion: token.version });
        await budget.spend(credential.gate);
        return await call(renewed.value);
      }
    },

    async key(credential, need) {
      const staleKeyId = need?.staleKeyId ?? null;
      return await renewOnce(`key/${credential.id}/${staleKeyId ?? ''}`, {
        read: async () => {
          const stored = await findProviderKey(pool, credential.id);
          return stored && stored.keyId !== staleKeyId ? stored : null;
        },
        lease: () => leaseKeyRenewal(pool, { credentialId: credential.id, staleKeyId, leaseMs: RENEWAL_MS }),
        renew: async () => {
          const token = await this.token(credential, { leastLifeMs: 5_000 });
          await budget.spend(credential.gate);
          const fetched = await providers[credential.provider].account.fetchEncryptionKey(
            credential.account,
            token.value,
          );
          const key = { keyId: fetched.id, publicKey: fetched.key };
          await saveProviderKey(pool, credential.id, key);
          return key;
        },
        giveUp: () => endKeyLease(pool, credential.id),
        patienceMs: RENEWAL_MS,
      });
    },

    async pinCiphertext(credential, key) {
      const which = { credentialId: credential.id, pinVersion: credential.pinVersion, keyId: key.keyId };
      const stored = await findPinCiphertext(pool, which);
      if (stored) return await sealing.open(credential.merchantId, 'pin-ciphertext', stored);
      const { account } = providers[credential.provider];
      const ciphertext = account.encryptPin(credential.pin, { id: key.keyId, key: key.publicKey });
      const ciphertextEnc = await sealing.seal(credential.merchantId, 'pin-ciphertext', ciphertext);
      await savePinCiphertext(pool, { ...which, ciphertextEnc });
      return ciphertext;
    },
  };
}
