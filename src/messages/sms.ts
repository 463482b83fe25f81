import { createHmac } from 'node:crypto';
import { isIPv4 } from 'node:net';

const TIMEOUT_MS = 10_000;
/** Refusals that are not of this SMS: our credentials can be put right, the gateway can recover. */
const RETRYABLE = new Set([401, 403, 407, 408, 425, 429]);

export interface SmsDriver {
  /** Hands over one SMS. `to` is in E.164. Throws `UndeliverableError` when trying again is of no use. */
  send(sms: { id: string; to: string; text: string }): Promise<void>;
}

/** The message or its recipient is refused for good: it is not tried again. */
export class UndeliverableError extends Error {
  override name = 'UndeliverableError';
  readonly code: string;

  constructor(code: string) {
    super(`undeliverable: ${code}`);
    this.code = code;
  }
}

/** The gateway could not take the SMS now: it is tried again. Quotes neither the recipient nor the text. */
export class SmsNotSentError extends Error {
  override name = 'SmsNotSentError';
  readonly code: string;

  constructor(code: string) {
    super(`SMS not sent: ${code}`);
    this.code = code;
  }
}

/**
 * Sends each SMS as one signed HTTPS request to a gateway.
 *
 * `POST url` with the JSON body `{ id, to, text }` (`to` in E.164) and the headers `Idempotency-Key: <id>` (the
 * same at each try), `Caducee-Timestamp: <Unix seconds>` and `Caducee-Signature: v1=<hex>`, where hex is
 * HMAC-SHA256 (RFC 2104) with `secret` of `<timestamp>.<body>`, the body taken byte for byte. A gateway refuses
 * a timestamp more than a few minutes away.
 *
 * 2xx is success; 4xx that blames the request itself (not 401, 403, 407, 408, 425, 429) throws `UndeliverableError`; all else, redirects and 10 s
 * without an answer included, throws `SmsNotSentError`. The answer's body is never read.
 */
export function createHttpsSmsDriver({
  url,
  secret,
  fetch = globalThis.fetch,
  timeoutMs = TIMEOUT_MS,
}: {
  url: string;
  secret: string;
  fetch?: typeof globalThis.fetch;
  timeoutMs?: number;
}): SmsDriver {
  const target = new URL(url);
  const plainToLoopback = target.protocol === 'http:' && isLoopbackHost(target.hostname);
  if (target.protocol !== 'https:' && !plainToLoopback)
    throw new Error('the SMS gateway must be reached by https');
  if (target.username !== '' || target.password !== '')
    throw new Error('the SMS gateway URL must hold no credentials');

  return {
    async send({ id, to, text }) {
      const body = JSON.stringify({ id, to, text });
      const timestamp = String(Math.floor(Date.now() / 1000));
      const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
      let response: Response;
      try {
        response = await fetch(target, {
          method: 'POST',
          redirect: 'manual',
          signal: AbortSignal.timeout(timeoutMs),
          headers: {
            'Content-Type': 'application/json',
            'Idempotency-Key': id,
            'Caducee-Timestamp': timestamp,
            'Caducee-Signature': `v1=${signature}`,
          },
          body,
        });
      } catch (error) {
        throw new SmsNotSentError(
          error instanceof Error && error.name === 'TimeoutError' ? 'TIMEOUT' : 'NETWORK',
        );
      }
      // Left unread, the body would hold the connection.
      await response.body?.cancel().catch(() => {});
      const { status } = response;
      if (response.ok) return;
      if (status >= 400 && status < 500 && !RETRYABLE.has(status)) {
        throw new UndeliverableError(`HTTP ${status}`);
      }
      throw new SmsNotSentError(`HTTP ${status}`);
    },
  };
}

/** Whether a URL's host is this machine: `localhost`, 127.0.0.0/8 (RFC 1122 §3.2.1.3) or `::1`. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}
