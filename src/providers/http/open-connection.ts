import { isIP, connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export type ConnectFailure = 'connect_timeout' | 'connect_failed' | 'tls_failed';

export type ConnectResult = { open: true; socket: Socket } | { open: false; reason: ConnectFailure };

/**
 * Opens a connection of its own to the host of `url`, TLS included where the scheme says so. The result comes from our
 * own connect and TLS events, never from an error's text: with `open: false` no byte of any request was handed over.
 * `ca` (PEM) replaces the machine's trusted roots.
 */
export function openConnection(url: URL, options: { connectMs: number; ca: string | null }): Promise<ConnectResult> {
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  return new Promise((resolve) => {
    const socket = secure
      ? connectTls({
          host,
          port,
          ...(isIP(host) ? {} : { servername: host }),
          ...(options.ca === null ? {} : { ca: options.ca }),
        })
      : connectTcp({ host, port });
    let tcpStands = false;
    const fail = (reason: ConnectFailure): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ open: false, reason });
    };
    const timer = setTimeout(() => fail('connect_timeout'), options.connectMs);
    socket.setNoDelay(true);
    socket.once('connect', () => (tcpStands = true));
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      resolve({ open: true, socket });
    });
    // Both stay attached for the socket's life, so that an error in an idle moment never goes unhandled.
    socket.on('error', () => fail(tcpStands ? 'tls_failed' : 'connect_failed'));
    socket.on('close', () => fail(tcpStands ? 'tls_failed' : 'connect_failed'));
  });
}

/**
 * True where nothing suggests that the other side has given up an idle connection. It lets the event loop poll once, so
 * that a close that already arrived is seen. A server that spoke before it was asked counts as gone.
 */
export async function isStillOpen(socket: Socket): Promise<boolean> {
  await nextTurn();
  await nextTurn();
  return !socket.destroyed && socket.writable && !socket.readableEnded && socket.readableLength === 0;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
