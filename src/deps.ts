/** The composition root: everything that a node is made of, built once from the settings. */
import type { Knex } from 'knex';
import type pg from 'pg';
import { type Logger, pino } from 'pino';
import type { Settings } from '../config/settings.ts';
import { createPasswordHasher, type PasswordHasher } from './credentials/password-hash.ts';
import { type Assets, loadAssets } from './http/assets.ts';
import { createTexts, type Texts } from './http/texts.ts';
import { createViews, type Views } from './http/views.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { openKnex, openPool } from './lib/database.ts';
import { createKeyring, type Keyring } from './lib/keyring.ts';
import { createOutgoing, type OutgoingFetch } from './lib/outgoing.ts';
import { createMessageRenderer, type MessageRenderer } from './messages/render.ts';
import { createHttpsSmsDriver, type SmsDriver } from './messages/sms.ts';
import { createSmtpTransport, type MailTransport } from './messages/smtp.ts';
import { createEngineStore, type EngineStore } from './openid/store.ts';
import { createThrottle, type Throttle } from './throttle/throttle.ts';

export interface Deps {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly knex: Knex;
  readonly pool: pg.Pool;
  readonly keyring: Keyring;
  readonly engineStore: EngineStore;
  readonly hasher: PasswordHasher;
  readonly throttle: Throttle;
  readonly texts: Texts;
  readonly assets: Assets;
  readonly views: Views;
  readonly renderer: MessageRenderer;
  readonly mail: MailTransport;
  /** The one way out to addresses that applications registered. */
  readonly outgoingFetch: OutgoingFetch;
  /** Absent when the installation sends no SMS: then none is offered. */
  readonly sms: SmsDriver | undefined;
  close(): Promise<void>;
}

/** Parts that the demo and the tests replace. */
export interface Overrides {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly sms?: SmsDriver;
}

export function createLog(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime });
}

function smsDriver(settings: Settings): SmsDriver | undefined {
  if (settings.SMS_DRIVER === 'none') return undefined;
  return createHttpsSmsDriver({
    url: settings.SMS_HTTPS_URL as string,
    secret: settings.SMS_HTTPS_SECRET as string,
  });
}

/** @throws when `DATABASE_URL` is absent; the database itself is first reached later. */
export function createDeps(settings: Settings, overrides: Overrides = {}): Deps {
  const url = settings.DATABASE_URL;
  if (!url) throw new Error('DATABASE_URL is required here (the demo brings a database of its own)');
  const production = settings.NODE_ENV === 'production';
  const log = overrides.log ?? createLog(settings.LOG_LEVEL);
  const poolMax = settings.DATABASE_POOL_MAX;
  const onError = (error: Error) => log.warn({ error: error.message }, 'a database connection was lost');
  const knex = openKnex({ url, poolMax });
  const pool = openPool({ url, poolMax, onError });
  const keyring = createKeyring(settings.SECRET_KEYS);
  const texts = createTexts(
    production ? { onFault: (fault) => log.error({ fault }, 'a text is missing') } : {},
  );
  const assets = loadAssets();
  const mail = createSmtpTransport({
    url: settings.SMTP_URL,
    from: settings.MAIL_FROM,
    requireTls: production,
  });

  const outgoing = createOutgoing(settings.OUTGOING_ALLOWED_HOSTS);

  return {
    settings,
    clock: overrides.clock ?? systemClock,
    log,
    knex,
    pool,
    keyring,
    engineStore: createEngineStore(pool),
    hasher: createPasswordHasher({
      memoryKiB: settings.HASH_MEMORY_KIB,
      timeCost: settings.HASH_TIME_COST,
      concurrency: settings.HASH_CONCURRENCY,
      queueLimit: settings.HASH_QUEUE_LIMIT,
    }),
    throttle: createThrottle(pool, {
      hash: (subject) => keyring.lookupHash('throttle', subject).toString('base64url'),
    }),
    texts,
    assets,
    views: createViews({ texts, assets }),
    renderer: createMessageRenderer({ texts, supportEmail: settings.SUPPORT_EMAIL }),
    mail,
    outgoingFetch: outgoing.fetch,
    sms: overrides.sms ?? smsDriver(settings),
    async close() {
      mail.close();
      await Promise.allSettled([outgoing.close(), knex.destroy(), pool.end()]);
    },
  };
}
