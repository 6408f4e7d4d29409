import { ConfigError, loadConfig } from '../../src/config';

const SOUND = {
  DATABASE_URL: 'postgres://127.0.0.1/cauri',
  MASTER_KEY: 'k1:x',
  ORANGE_SANDBOX_URL: 'https://api.sandbox.orange-sonatel.com',
  ORANGE_LIVE_URL: 'https://api.orange-sonatel.com',
};

/** What is wrong with the configuration; nothing where it is taken. */
function problems(change: Record<string, string | undefined>): readonly string[] {
  try {
    loadConfig({ ...SOUND, ...change });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('a provider’s hosts', () => {
  test('are taken where each environment has its own', () => {
    expect(problems({})).toEqual([]);
    const oneProxy = {
      ORANGE_SANDBOX_URL: 'https://proxy.example/sandbox',
      ORANGE_LIVE_URL: 'https://proxy.example/live',
    };
    expect(problems(oneProxy)).toEqual([]);
    const twoPorts = { ORANGE_SANDBOX_URL: 'http://127.0.0.1:3001', ORANGE_LIVE_URL: 'http://127.0.0.1:3002' };
    expect(problems(twoPorts)).toEqual([]);
  });

  test('are refused where one address serves both environments, however it is spelled', () => {
    const sandbox = 'https://proxy.example/orange';
    const spellings = [sandbox, `${sandbox}/`, 'https://PROXY.example:443/orange', 'http://proxy.example./orange//'];
    for (const live of spellings) {
      const same = { ORANGE_SANDBOX_URL: sandbox, ORANGE_LIVE_URL: live };
      expect(problems(same)).toEqual([expect.stringContaining('must be another address than ORANGE_SANDBOX_URL')]);
      expect(problems({ ...same, ALLOW_SHARED_PROVIDER_URL: 'true' })).toEqual([]);
    }
  });

  test('are refused where they are the other environment’s, whatever is allowed', () => {
    const swapped = { ORANGE_SANDBOX_URL: SOUND.ORANGE_LIVE_URL, ORANGE_LIVE_URL: SOUND.ORANGE_SANDBOX_URL };
    expect(problems({ ...swapped, ALLOW_SHARED_PROVIDER_URL: 'true' })).toEqual([
      'ORANGE_SANDBOX_URL: is the live host of Orange',
      'ORANGE_LIVE_URL: is the sandbox host of Orange',
    ]);
  });

  test('must both be given; the name that was one for both is refused by name', () => {
    expect(problems({ ORANGE_LIVE_URL: undefined })).toEqual([expect.stringMatching(/^ORANGE_LIVE_URL:/)]);
    expect(problems({ ORANGE_BASE_URL: 'http://127.0.0.1:3001' })).toEqual([
      expect.stringMatching(/^ORANGE_BASE_URL: is no longer read; set ORANGE_SANDBOX_URL and ORANGE_LIVE_URL/),
    ]);
  });
});
