/** The columns of a table, and how they may be headed beside their own names; case, accents and spaces do not matter. */
export const COLUMN_HEADINGS = {
  amount: ['montant'],
  currency: ['devise', 'monnaie'],
  method: ['methode', 'mode de paiement'],
  msisdn: ['numero', 'telephone', 'numero de telephone', 'mobile'],
  reference: ['ref'],
  description: ['libelle', 'motif'],
  email: ['e-mail', 'courriel', 'adresse e-mail'],
  first_name: ['prenom'],
  last_name: ['nom', 'nom de famille'],
  phone: [],
  address: ['adresse'],
  city: ['ville'],
  state: ['region'],
  country: ['pays'],
  zip: ['code postal'],
} as const satisfies Record<string, readonly string[]>;

export type ColumnName = keyof typeof COLUMN_HEADINGS;

export const COLUMN_NAMES = Object.keys(COLUMN_HEADINGS) as readonly ColumnName[];

const BY_HEADING = new Map<string, ColumnName>(
  COLUMN_NAMES.flatMap((name) => [name, ...COLUMN_HEADINGS[name]].map((heading) => [plainHeading(heading), name])),
);

/** The column that a heading means; null where it is none. */
export function columnNamed(heading: string): ColumnName | null {
  return BY_HEADING.get(plainHeading(heading)) ?? null;
}

function plainHeading(heading: string): string {
  return heading
    .normalize('NFD')
    .replaceAll(/[\p{M}\p{Cf}]/gu, '')
    .trim()
    .toLowerCase()
    .replaceAll(/[\s\p{Zs}_-]+/gu, '_');
}
