import { ProviderError } from '../provider';
import type { AccountOperations, ProviderAccount } from '../provider';
import { changePin } from './change-pin';
import type { OrangeClient } from './client';
import { createPinEncryption, readPublicKey } from './encrypt-pin';
import { toMinorUnits } from './minor-units';
import type { ResolvedOrangeOptions } from './options';
import { moneySchema, profileSchema, publicKeySchema, sandboxNumbersSchema } from './schemas';
import { searchTransactions } from './search';

/** Creates the calls about the paying account. Each throws `ProviderError`. */
export function createAccountOperations(client: OrangeClient, options: ResolvedOrangeOptions): AccountOperations {
  const fetchBalance = async (
    kind: 'retailer' | 'customer',
    account: ProviderAccount,
    token: string,
    encryptedPin: string,
  ): Promise<{ amount: bigint; currency: string }> => {
    const label = `${kind} balance`;
    const money = await client.read(
      label,
      {
        method: 'POST',
        path: `/api/eWallet/v1/account/${kind}/balance`,
        token,
        body: {
          idType: account.idType,
          id: account.accountNumber,
          encryptedPinCode: encryptedPin,
          wallet: 'principal',
        },
      },
      moneySchema,
    );
    return { amount: wholeAmount(label, money.value), currency: money.unit };
  };

  return {
    async fetchEncryptionKey(_account, token) {
      const answer = await client.read(
        'public key',
        { method: 'GET', path: '/api/account/v1/publicKeys', token },
        publicKeySchema,
      );
      const key = readPublicKey(answer.key).export({ format: 'der', type: 'spki' }).toString('base64');
      return { id: answer.keyId, key };
    },
    encryptPin: createPinEncryption(),
    fetchRetailerBalance: (account, token, encryptedPin) => fetchBalance('retailer', account, token, encryptedPin),
    fetchCustomerBalance: (account, token, encryptedPin) => fetchBalance('customer', account, token, encryptedPin),
    async fetchProfile(account, token) {
      if (account.idType !== 'MSISDN') throw new ProviderError('refused', 'orange profile: only by MSISDN');
      const profile = await client.read(
        'profile',
        {
          method: 'GET',
          path: '/api/eWallet/v1/account',
          token,
          query: { msisdn: account.accountNumber, type: 'retailer' },
        },
        profileSchema,
      );
      return {
        balance: wholeAmount('profile', profile.balance.value),
        currency: profile.balance.unit,
        // An account that is barred from sending pays as little as a suspended one.
        suspended: profile.suspended === 'Yes' || profile.barred === 'Sender' || profile.barred === 'Both',
      };
    },
    changePin: (account, token, pins) => changePin(client, options, account, token, pins),
    async registerCallback(token, registration) {
      const request = client.prepare({
        method: 'POST',
        path: '/api/notification/v1/merchantcallback',
        token,
        body: registration,
      });
      // Observed live with an empty body; clients accept 200 beside the specified 201.
      await client.send('callback registration', request, [200, 201]);
    },
    async fetchSandboxNumbers(token) {
      const numbers = await client.read(
        'sandbox numbers',
        {
          method: 'GET',
          path: '/api/assignments/v1/partner/sim-cards',
          token,
          query: { nbRetailers: 1, nbCustomers: 1 },
        },
        sandboxNumbersSchema,
      );
      return numbers.map(({ msisdn, type, pinCode }) => ({ msisdn, type: type ?? null, pin: pinCode ?? null }));
    },
    searchTransactions: (token, filter) => searchTransactions(client, options, token, filter),
  };
}

function wholeAmount(label: string, value: number | string): bigint {
  const amount = toMinorUnits(value);
  if (amount < 0n) throw new ProviderError('malformed', `orange ${label}: not a whole amount`);
  return amount;
}
