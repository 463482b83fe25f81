/** Two applications' own servers, as far as sign-outs go: they keep what they are sent and answer as they are told. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly clientId: string;
  /** `logout_token` of the form that came. */
  readonly token: string;
  readonly userAgent: string | undefined;
}

/** A status, `redirect` to another address of the same server, or `nothing` ever. */
type Answer = number | 'redirect' | 'nothing';

export interface BackChannel {
  readonly received: Received[];
  /** Address of an application, without trailing slash. */
  url(application: { clientId: string }): string;
  answer(clientId: string, answer: Answer): void;
  /** @returns what `clientId` was sent, once it is `count`. */
  waitFor(clientId: string, count?: number): Promise<Received[]>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 10_000;

export async function startBackChannel(): Promise<BackChannel> {
  const received: Received[] = [];
  const answers = new Map<string, Answer>();
  const hanging = new Set<ServerResponse>();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    const [, clientId = '', place] = (request.url ?? '').split('/');
    if (request.method === 'POST')
      received.push({
        clientId: place === 'backchannel-logout' ? clientId : `${clientId}/${place}`,
        token: new URLSearchParams(body).get('logout_token') ?? '',
        userAgent: request.headers['user-agent'],
      });
    const answer = answers.get(clientId) ?? 200;
    if (answer === 'nothing') return void hanging.add(response);
    if (answer === 'redirect') response.setHeader('location', `/${clientId}/elsewhere`);
    response.writeHead(answer === 'redirect' ? 307 : answer).end('x'.repeat(100_000));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const of = (clientId: string) => received.filter((one) => one.clientId === clientId);
  return {
    received,
    url: ({ clientId }) => `http://localhost:${port}/${clientId}`,
    answer: (clientId, answer) => void answers.set(clientId, answer),
    async waitFor(clientId, count = 1) {
      const deadline = Date.now() + TIMEOUT_MS;
      while (of(clientId).length < count) {
        if (Date.now() > deadline) throw new Error(`${clientId} was sent ${of(clientId).length} of ${count}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return of(clientId);
    },
    async close() {
      for (const response of hanging) response.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
