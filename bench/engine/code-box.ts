/** Where the mails of the measures arrive: it reads the code and forgets the rest. */
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

/** Alone on its line in the text part. */
const CODE = /^ {4}(\d{6})\r?$/m;

export interface CodeBox {
  readonly smtpUrl: string;
  /** The code of the next mail to this address. */
  next(to: string): Promise<string>;
  close(): Promise<void>;
}

export async function startCodeBox(): Promise<CodeBox> {
  const waiting = new Map<string, (code: string) => void>();
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 200,
    async onData(stream, { envelope }, answer) {
      const code = CODE.exec(Buffer.concat(await stream.toArray()).toString('latin1'))?.[1];
      answer();
      for (const { address } of envelope.rcptTo) {
        if (code) waiting.get(address)?.(code);
        waiting.delete(address);
      }
    },
  });
  smtp.on('error', () => undefined);
  const server = smtp.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    smtpUrl: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: (to) => new Promise((resolve) => waiting.set(to, resolve)),
    close: () => new Promise((resolve) => smtp.close(() => resolve())),
  };
}
