export { killMatrix as default } from './jest.config.mjs';
