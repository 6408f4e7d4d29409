import { findFreePort } from '../../src/start/ports';

test('a process is given no free port twice, also before anybody listens there', async () => {
  const ports = await Promise.all(Array.from({ length: 500 }, findFreePort));
  expect(new Set(ports).size).toBe(ports.length);
});
