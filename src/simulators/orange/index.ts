export { createOrangeSimulator, type OrangeSimulator } from './orange-simulator';
export type { OrangeSimulatorControl, LedgerReport, RequestsReport, TransactionsReport } from './control';
export type { OrangeSimulatorOptions, RuntimePatch } from './options';
export { optionsFromEnv } from './options-from-env';
export { FAULT_NAMES, SCENARIOS, type Scenario, type ScenarioName } from './scenarios';
export { CALLBACK_FAULTS, ENDPOINT_FAULTS } from './options';
