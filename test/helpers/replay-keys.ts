import type { MasterKeys } from '../../src/vault/master-keys';

/** Encrypts the payloads of recorded histories, which name nothing but made-up ids: for tests only, and no secret. */
export const REPLAY_MASTER_KEYS: MasterKeys = [{ id: 'replay', key: Buffer.alloc(32, 'replay') }];
