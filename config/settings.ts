/**
 * The one table of settings, and the only reader of the environment. `config/example.env` is written from it
 * (`npm run --silent caducee -- settings > config/example.env`).
 */
import { z } from 'zod';
import { FACTOR_KINDS, type FactorKind } from '../src/factors/kinds.ts';
import { type AllowedHost, parseAllowedHost } from '../src/lib/outgoing.ts';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

interface Setting<S extends z.ZodType = z.ZodType> {
  readonly schema: S;
  /** Text form, as it would stand in the environment; absent when there is none. */
  readonly default?: string;
  readonly doc: string;
  /** Never printed, and never at its demo value in production. */
  readonly secret?: true;
  readonly requiredInProduction?: true;
}

const setting = <S extends z.ZodType>(definition: Setting<S>): Setting<S> => definition;

const wholeNumber = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((n) => n >= minimum && n <= maximum, `must be from ${minimum} to ${maximum}`);

const masterKeys = z.string().transform((text, context) => {
  const keys = text.split(',').map((part) => Buffer.from(part.trim(), 'base64url'));
  if (keys.some((key) => key.length !== 32)) {
    context.addIssue({ code: 'custom', message: 'each key must be 32 bytes in base64url (43 characters)' });
    return z.NEVER;
  }
  return keys;
});

const issuer = z.string().transform((text, context) => {
  const refuse = (message: string) => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  if (!URL.canParse(text)) return refuse('must be a URL such as https://identite.example.fr');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return refuse('must be an https URL');
  if (url.origin !== text) return refuse(`must have no path, query or trailing slash: ${url.origin}`);
  return text;
});

const allowedHosts = z.string().transform((text, context): AllowedHost[] => {
  const entries = text.split(',').map((part) => part.trim());
  const parsed = entries.filter((one) => one !== '').map((one) => [one, parseAllowedHost(one)] as const);
  const refused = parsed.filter(([, host]) => host === undefined).map(([one]) => one);
  if (refused.length === 0) return parsed.flatMap(([, host]) => host ?? []);
  context.addIssue({
    code: 'custom',
    message: `neither a host name, an address nor a network: ${refused.join(', ')}`,
  });
  return z.NEVER;
});

const factorKinds = z.string().transform((text, context): FactorKind[] => {
  const named = text.split(',').map((part) => part.trim());
  const unknown = named.filter((one) => !(FACTOR_KINDS as readonly string[]).includes(one));
  if (unknown.length === 0) return [...new Set(named)] as FactorKind[];
  context.addIssue({
    code: 'custom',
    message: `unknown: ${unknown.join(', ')}; there are ${FACTOR_KINDS.join(', ')}`,
  });
  return z.NEVER;
});

const secondFactors = (whose: string) =>
  setting({
    schema: factorKinds.refine(
      (kinds) => kinds.some((kind) => kind !== 'recovery-code'),
      'recovery codes alone sign nobody in twice',
    ),
    default: FACTOR_KINDS.join(','),
    doc: `Second steps that ${whose} may sign in with, comma separated. Who has none of them does not sign in: without email, that is every new account whose phone is not proved.`,
  });

export const SETTINGS = {
  NODE_ENV: setting({
    schema: z.enum(['production', 'development', 'test']),
    default: 'development',
    doc: 'production refuses demo secrets, http issuers and a missing database.',
  }),
  ISSUER: setting({
    schema: issuer,
    default: 'http://localhost:3000',
    doc: 'The issuer identifier (OpenID Connect Discovery §3): scheme and host, no path. Every link in a mail starts with it.',
    requiredInProduction: true,
  }),
  HOST: setting({ schema: z.string().min(1), default: '::', doc: 'Address to listen on.' }),
  PORT: setting({ schema: wholeNumber(0, 65535), default: '3000', doc: 'Port to listen on.' }),
  METRICS_PORT: setting({
    schema: wholeNumber(0, 65535).optional(),
    doc: 'Port of the Prometheus metrics, on a network of its own; no metrics when empty.',
  }),
  TRUSTED_PROXIES: setting({
    schema: wholeNumber(0, 5),
    default: '0',
    doc: 'How many reverse proxies of yours stand in front. X-Forwarded-For is read only then, and only that many hops.',
  }),
  DATABASE_URL: setting({
    schema: z
      .string()
      .regex(/^postgres(ql)?:\/\//, 'must start with postgres://')
      .optional(),
    doc: 'PostgreSQL 17 or later.',
    secret: true,
    requiredInProduction: true,
  }),
  DATABASE_POOL_MAX: setting({
    schema: wholeNumber(2, 200),
    default: '10',
    doc: 'Connections to the database, for each of the two pools of a node (engine; everything else).',
  }),
  SECRET_KEYS: setting({
    schema: masterKeys,
    default: 'Y2FkdWNlZS1kZW1vLWtleS1ub3QtZm9yLXByb2QtISE',
    doc: 'Master keys, comma separated, each 32 random bytes in base64url (openssl rand 32 | basenc --base64url | tr -d "="). The first seals and signs, all open and verify: put a new one first, keep the old ones.',
    secret: true,
    requiredInProduction: true,
  }),
  SMTP_URL: setting({
    schema: z.string().regex(/^smtps?:\/\//, 'must start with smtp:// or smtps://'),
    default: 'smtp://localhost:3005',
    doc: 'Where mails leave: smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465.',
    secret: true,
    requiredInProduction: true,
  }),
  MAIL_FROM: setting({
    schema: z.string().min(3),
    default: 'Caducée <ne-pas-repondre@example.test>',
    doc: 'Sender of the mails.',
  }),
  SUPPORT_EMAIL: setting({
    schema: z.email(),
    default: 'assistance@example.test',
    doc: 'Where people are told to write when they are stuck.',
  }),
  SMS_DRIVER: setting({
    schema: z.enum(['none', 'https']),
    default: 'none',
    doc: 'none: no SMS is offered to anybody; https: each SMS is a signed request to SMS_HTTPS_URL.',
  }),
  SMS_HTTPS_URL: setting({
    schema: z.url().optional(),
    doc: 'Where the https driver posts { id, to, text }.',
  }),
  SMS_HTTPS_SECRET: setting({
    schema: z.string().min(16).optional(),
    doc: 'Shared secret that signs those requests (HMAC-SHA256).',
    secret: true,
  }),
  HASH_MEMORY_KIB: setting({
    schema: wholeNumber(19456, 1048576),
    default: '19456',
    doc: 'argon2id memory of one password hash, in KiB.',
  }),
  HASH_TIME_COST: setting({ schema: wholeNumber(2, 20), default: '2', doc: 'argon2id passes.' }),
  HASH_CONCURRENCY: setting({
    schema: wholeNumber(1, 64),
    default: '2',
    doc: 'Password hashes computed at once: the number of cores.',
  }),
  HASH_QUEUE_LIMIT: setting({
    schema: wholeNumber(1, 10000),
    default: '200',
    doc: 'Sign-ins that may wait for a hash; beyond, people are asked to come back in a moment (503).',
  }),
  SESSION_IDLE_MINUTES: setting({
    schema: wholeNumber(5, 1440),
    default: '60',
    doc: 'A session that nobody uses ends after this.',
  }),
  SESSION_ABSOLUTE_HOURS: setting({
    schema: wholeNumber(1, 24),
    default: '12',
    doc: 'A session ends this long after the sign-in, used or not.',
  }),
  SECOND_FACTORS_PROFESSIONAL: secondFactors('health professionals'),
  SECOND_FACTORS_SECRETARY: secondFactors('secretaries with an account of their own'),
  SECOND_FACTORS_SHARED: secondFactors('members of a shared account'),
  SECOND_FACTORS_ADMINISTRATOR: setting({
    schema: factorKinds
      .refine(
        (kinds) => !kinds.includes('email'),
        'an administrator never signs in with a code by e-mail: a mailbox is no second factor',
      )
      .refine(
        (kinds) => kinds.some((kind) => kind !== 'recovery-code' && kind !== 'email'),
        'must have one of passkey, totp, sms',
      ),
    default: FACTOR_KINDS.filter((kind) => kind !== 'email').join(','),
    doc: 'Second factors that administrators may sign in with, whatever their account is; never email.',
  }),
  OUTGOING_ALLOWED_HOSTS: setting({
    schema: allowedHosts,
    default: '',
    doc: 'Host names, addresses and networks (10.20.0.0/16) of yours that may be asked although they are not public, comma separated: applications to sign out, key sets to fetch. Public addresses need not be here; any other is refused.',
  }),
  LOG_LEVEL: setting({
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    default: 'info',
    doc: 'Level of the JSON log on standard output.',
  }),
} as const;

type Table = typeof SETTINGS;
export type Settings = { readonly [Name in keyof Table]: z.output<Table[Name]['schema']> };

export class SettingsError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`settings refused:\n${faults.map((fault) => ` - ${fault}`).join('\n')}`);
    this.name = 'SettingsError';
    this.faults = faults;
  }
}

const isLoopback = (origin: string): boolean => LOOPBACK.has(new URL(origin).hostname);

function productionFaults(values: Settings, given: (name: keyof Table) => boolean): string[] {
  const faults: string[] = [];
  for (const [name, definition] of Object.entries(SETTINGS) as [keyof Table, Setting][]) {
    if (definition.requiredInProduction && !given(name)) faults.push(`${name}: required in production`);
  }
  const demoKey = SETTINGS.SECRET_KEYS.default as string;
  if (values.SECRET_KEYS.some((key) => key.toString('base64url') === demoKey)) {
    faults.push('SECRET_KEYS: holds the demo key, which everybody knows');
  }
  if (!values.ISSUER.startsWith('https://')) faults.push('ISSUER: must be https in production');
  if (values.SMS_HTTPS_URL?.startsWith('http://')) faults.push('SMS_HTTPS_URL: must be https in production');
  return faults;
}

/**
 * Reads every setting from `environment` (empty text counts as absent).
 * @throws {SettingsError} with all faults at once; the value of a secret is never in it.
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, definition] of Object.entries(SETTINGS) as [keyof Table, Setting][]) {
    const result = definition.schema.safeParse(environment[name] || definition.default);
    if (result.success) values[name] = result.data;
    else faults.push(...result.error.issues.map((issue) => `${name}: ${issue.message}`));
  }
  if (faults.length === 0) {
    const settings = values as Settings;
    if (settings.SMS_DRIVER === 'https') {
      if (!settings.SMS_HTTPS_URL) faults.push('SMS_HTTPS_URL: required when SMS_DRIVER is https');
      if (!settings.SMS_HTTPS_SECRET) faults.push('SMS_HTTPS_SECRET: required when SMS_DRIVER is https');
    }
    if (settings.NODE_ENV === 'production') {
      faults.push(...productionFaults(settings, (name) => Boolean(environment[name])));
    } else if (settings.ISSUER.startsWith('http://') && !isLoopback(settings.ISSUER)) {
      faults.push('ISSUER: http is only for this machine (localhost)');
    }
  }
  if (faults.length > 0) throw new SettingsError(faults);
  return values as Settings;
}

/** The text of `config/example.env`. */
export function exampleEnvironment(): string {
  const blocks = (Object.entries(SETTINGS) as [string, Setting][]).map(([name, definition]) => {
    const marks = [
      definition.secret ? 'secret' : '',
      definition.requiredInProduction ? 'required in production' : '',
    ].filter(Boolean);
    const doc = marks.length > 0 ? `${definition.doc} (${marks.join(', ')})` : definition.doc;
    return `# ${doc}\n${definition.secret ? `${name}=` : `${name}=${definition.default ?? ''}`}\n`;
  });
  return blocks.join('\n');
}
