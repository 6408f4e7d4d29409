import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface AnswerLoss {
  url: string;
  /** Answers that were lost. */
  lost(): number;
  close(): Promise<void>;
}

/** Stands before a server and resets the first so many connections when their answer comes: the request was done. */
export async function loseAnswers(port: number, count: number): Promise<AnswerLoss> {
  let lost = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const behind = connect(port, '127.0.0.1');
    for (const socket of [client, behind]) {
      sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    }
    client.pipe(behind);
    behind.once('data', (first: Buffer) => {
      if (lost >= count) {
        client.write(first);
        behind.pipe(client);
        return;
      }
      lost += 1;
      client.resetAndDestroy();
      behind.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lost: () => lost,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
