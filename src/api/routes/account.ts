import { z } from 'zod';

import { listFloats, listProviderAccounts } from '../../db/balances';
import { CURRENCY_EXPONENTS } from '../../domain/currency';
import { METHODS } from '../../domain/methods';
import type { Method } from '../../domain/methods';
import { serializeAmount } from '../../domain/money';
import { defineRoute } from '../route';

const methodsAnswer = z
  .object({
    data: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        country: z.string(),
        currency: z.string(),
        decimals: z.int().meta({ description: 'Decimals of one major unit; amounts are minor units.' }),
        recipient_fields: z.array(z.string()),
        available: z.boolean().meta({ description: 'Whether an account for it is saved in this environment.' }),
      }),
    ),
  })
  .meta({ id: 'Methods' });

export const methodsRoute = defineRoute({
  method: 'get',
  path: '/v1/methods',
  operationId: 'listMethods',
  summary: 'Everything that a payout can be sent by, and what each needs of its recipient.',
  tag: 'Account',
  access: 'merchant',
  answers: { 200: { description: 'All methods.', schema: methodsAnswer } },
  problems: ['unavailable'],
  async handle({ principal }, { pool }) {
    const accounts = await listProviderAccounts(pool, principal);
    const data = Object.entries<Method>(METHODS).map(([id, method]) => ({
      id,
      name: method.name,
      country: method.country,
      currency: method.currency,
      decimals: CURRENCY_EXPONENTS[method.currency],
      recipient_fields: method.recipientFields,
      available: accounts.some(({ operator, role }) => operator === id && role === 'primary'),
    }));
    return { status: 200, body: { data } };
  },
});

const minorUnits = z.string().meta({ description: 'Minor units.', example: '995000' });

const balanceAnswer = z
  .object({
    float: z
      .array(z.object({ currency: z.string(), available: minorUnits, held: minorUnits, at: z.iso.datetime() }))
      .meta({ description: "Cauri's own books: what new payouts may take, and what open ones hold." }),
    providers: z
      .array(
        z.object({
          credential_id: z.string(),
          provider: z.string(),
          method: z.string(),
          role: z.enum(['primary', 'backup']),
          balance: z
            .object({ amount: z.string(), currency: z.string(), at: z.iso.datetime() })
            .nullable()
            .meta({ description: 'What the provider says now; null where it cannot be asked.' }),
        }),
      )
      .meta({ description: 'Your own accounts at the providers.' }),
  })
  .meta({ id: 'Balance' });

export const balanceRoute = defineRoute({
  method: 'get',
  path: '/v1/balance',
  operationId: 'getBalance',
  summary: "The float at Cauri and the providers' own balances, apart, each with its time.",
  tag: 'Account',
  access: 'merchant',
  answers: { 200: { description: 'All balances.', schema: balanceAnswer } },
  problems: ['unavailable'],
  async handle({ principal }, { pool, runs }) {
    const [floats, accounts] = await Promise.all([listFloats(pool, principal), listProviderAccounts(pool, principal)]);
    const providers = accounts.map(async ({ credentialId, provider, operator, role }) => ({
      credential_id: credentialId,
      provider,
      method: operator,
      role,
      balance: await runs.providerBalance(credentialId, provider).catch(() => null),
    }));
    return {
      status: 200,
      body: {
        float: floats.map(({ currency, available, held, at }) => ({
          currency,
          available: serializeAmount(available),
          held: serializeAmount(held),
          at: at.toISOString(),
        })),
        providers: await Promise.all(providers),
      },
    };
  },
});
