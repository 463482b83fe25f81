/** Requests that fetch does not make: any target, any Host, several of one header. */
import { connect } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** Lower-case names; a header that comes several times, several times. */
  readonly headers: readonly (readonly [string, string])[];
  readonly text: string;
}

const TIMEOUT_MS = 10_000;

/** Sends these lines as they are and reads until the server hangs up. */
export function sendRaw(port: number, lines: readonly string[], body = ''): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer to ${lines[0]}`)));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('end', () => {
      const [head = '', ...rest] = Buffer.concat(chunks).toString('utf8').split('\r\n\r\n');
      const [first = '', ...headers] = head.split('\r\n');
      resolve({
        status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]),
        headers: headers.map((line) => {
          const colon = line.indexOf(':');
          return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
        }),
        text: rest.join('\r\n\r\n'),
      });
    });
    socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`);
  });
}

export const headerOf = ({ headers }: RawAnswer, name: string): string | undefined =>
  headers.find(([one]) => one === name)?.[1];
