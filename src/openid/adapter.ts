/** oidc-provider's storage interface over the unit of work of the request at hand. */
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import type { Keyring } from '../lib/keyring.ts';
import type { EngineStore } from './store.ts';
import { currentUnit, type Payload, UnitOfWork } from './unit-of-work.ts';

/** Client metadata of an application by its client_id (OpenID Connect Dynamic Registration §2), or undefined. */
export type FindClient = (clientId: string) => Promise<AdapterPayload | undefined>;

interface Storage {
  readonly store: EngineStore;
  readonly keyring: Keyring;
  readonly findClient: FindClient;
}

export function createAdapterFactory({ store, keyring, findClient }: Storage): (model: string) => Adapter {
  /** Runs in the request's unit; outside a request, in one of its own that is written at once. */
  async function within<T>(work: (unit: UnitOfWork) => T | Promise<T>): Promise<T> {
    const unit = currentUnit();
    if (unit) return work(unit);
    const own = new UnitOfWork(store, keyring);
    const result = await work(own);
    if (!(await own.flush())) throw new errors.InvalidGrant('already used');
    return result;
  }

  const found = (payload: Payload | undefined) => payload as AdapterPayload | undefined;
  const unsupported = async (): Promise<never> => {
    throw new Error('not supported by this model');
  };

  const payloads = (model: string): Adapter => ({
    find: async (id) => found(await within((unit) => unit.find(model, id))),
    findByUid: unsupported,
    findByUserCode: async (userCode) => found(await within((unit) => unit.findByUserCode(userCode))),
    upsert: (id, payload, expiresIn) =>
      within((unit) => unit.upsert(model, id, payload as Payload, expiresIn)),
    consume: (id) => within((unit) => unit.consume(model, id)),
    destroy: (id) => within((unit) => unit.destroy(model, id)),
    revokeByGrantId: (grantId) => within((unit) => unit.revokeGrant(grantId)),
  });

  const sessions: Adapter = {
    ...payloads('Session'),
    find: async (id) => found(await within((unit) => unit.findSession(id))),
    findByUid: async (uid) => found(await within((unit) => unit.findSessionByUid(uid))),
    upsert: (_id, payload) => within((unit) => unit.upsertSession(payload as Payload)),
    destroy: (id) => within((unit) => unit.destroySession(id)),
    findByUserCode: unsupported,
    consume: unsupported,
    revokeByGrantId: unsupported,
  };

  // The engine asks whether a value was seen, then stores it; between the two another request may do the same. The
  // INSERT alone decides.
  const replays: Adapter = {
    ...payloads('ReplayDetection'),
    find: async () => undefined,
    async upsert(id, payload, expiresIn) {
      const unit = currentUnit() ?? new UnitOfWork(store, keyring);
      if (!(await unit.remember('ReplayDetection', id, payload as Payload, expiresIn ?? 0))) {
        throw new errors.InvalidRequest('this value was used before');
      }
    },
  };

  const clients: Adapter = {
    ...payloads('Client'),
    find: findClient,
    upsert: unsupported,
    destroy: unsupported,
  };

  return (model) =>
    ({ Session: sessions, ReplayDetection: replays, Client: clients })[model] ?? payloads(model);
}
