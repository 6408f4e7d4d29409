/**
 * A settlement window ends with a look at the provider that was completed after it. Where the provider cannot be asked, it is
 * asked again `everyMs`; after `forMs` people decide without one.
 */
export const LAST_LOOK = { everyMs: 20_000, forMs: 3_600_000 } as const;
