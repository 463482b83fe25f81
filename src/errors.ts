/** What stops a request: a code, a status, what the person reads, and what only the log reads. */

/** Kinds with a page of their own in the catalogues (`error.<kind>.title`, `.message`, `.advice`). */
export type ErrorKind =
  | 'notFound'
  | 'forbidden'
  | 'method'
  | 'csrf'
  | 'misdirected'
  | 'tooLarge'
  | 'busy'
  | 'internal'
  | 'interactionExpired'
  | 'alreadySignedIn'
  | 'protocol'
  | 'unavailable';

const STATUS: Readonly<Record<ErrorKind, number>> = {
  notFound: 404,
  forbidden: 403,
  method: 405,
  csrf: 403,
  misdirected: 421,
  tooLarge: 413,
  busy: 503,
  internal: 500,
  interactionExpired: 400,
  alreadySignedIn: 400,
  protocol: 400,
  unavailable: 503,
};

interface Details {
  /** For the log only; never a secret. */
  readonly detail?: string;
  /** For integrators, on the page: fixed words of the protocol, nothing that came with the request. */
  readonly technical?: string | undefined;
  readonly cause?: unknown;
  readonly retryAfterSeconds?: number;
  readonly status?: number;
}

export class CaduceeError extends Error {
  override readonly name = 'CaduceeError';
  readonly kind: ErrorKind;
  readonly status: number;
  readonly detail: string | undefined;
  readonly technical: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(kind: ErrorKind, { detail, technical, cause, retryAfterSeconds, status }: Details = {}) {
    super(detail ? `${kind}: ${detail}` : kind, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.status = status ?? STATUS[kind];
    this.detail = detail;
    this.technical = technical;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
