/** Moments by name, that come once each: those who wait for one go on when it comes, or at once where it has. */
export interface Moments {
  come(name: string): void;
  of(name: string): Promise<void>;
}

export function createMoments(): Moments {
  const moments = new Map<string, { promise: Promise<void>; come: () => void }>();
  const find = (name: string): { promise: Promise<void>; come: () => void } => {
    const known = moments.get(name);
    if (known) return known;
    let come = (): void => undefined;
    const promise = new Promise<void>((resolve) => (come = resolve));
    const made = { promise, come };
    moments.set(name, made);
    return made;
  };
  return { come: (name) => find(name).come(), of: (name) => find(name).promise };
}
