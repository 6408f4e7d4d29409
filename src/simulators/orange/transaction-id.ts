/** Orange's form, 20 characters: two letters, YYMMDD, HHMM, a letter and five digits. Unique for 2.6 million a minute. */
export function transactionId(kind: 'CI' | 'CP', sequence: number, at: Date): string {
  const digits = at.toISOString().replace(/\D/g, '');
  const letter = String.fromCharCode(65 + (Math.floor(sequence / 100_000) % 26));
  return `${kind}${digits.slice(2, 8)}.${digits.slice(8, 12)}.${letter}${String(sequence % 100_000).padStart(5, '0')}`;
}
