export interface TestServer {
  close: () => Promise<void>;
}

declare global {
  var cauriTestServers: TestServer[] | undefined;
}

/** Stops what global-setup started; nothing is left to stop when called again. */
export async function closeTestServers(): Promise<void> {
  const servers = globalThis.cauriTestServers?.splice(0) ?? [];
  await Promise.all(servers.map((server) => server.close()));
}

export default closeTestServers;
