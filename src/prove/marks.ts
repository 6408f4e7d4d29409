/** What is marked, so that it can be looked for everywhere afterwards. */
export interface Marks {
  clientId: string;
  clientSecret: string;
  /** The n-th PIN of the account. */
  pin(n: number): string;
  email: string;
}
