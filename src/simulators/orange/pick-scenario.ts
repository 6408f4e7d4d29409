import type { Parts } from './parts';
import { scenarioNamed, scenarioOfRecipient, type NamedScenario } from './scenarios';
import { pickByRate, seededDraw } from './seeded-draw';

/** What a recipient gets that came as far as a scenario `earlier` times: by its magic number, else by rate and seed. */
export function pickScenario(
  { store, options }: Pick<Parts, 'store' | 'options'>,
  recipient: string,
  earlier: number,
): NamedScenario {
  const magic = scenarioOfRecipient(recipient);
  if (magic !== undefined) return magic.once === true && earlier > 0 ? scenarioNamed('default') : magic;
  const drawn = pickByRate(store.state().config.faults, seededDraw(options.seed, 'cash-in', recipient, earlier));
  return scenarioNamed(drawn ?? 'default');
}
