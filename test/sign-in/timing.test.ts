import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { readSettings } from '../../config/settings.ts';
import { createApp } from '../../src/app.ts';
import { createPasswordHasher } from '../../src/credentials/password-hash.ts';
import { createDeps } from '../../src/deps.ts';
import { createTestAccount } from '../support/accounts.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { Visitor } from '../support/visitor.ts';

const ROUNDS = 220;
const WARM_UP = 20;
const CLOSE = 0.1;
const WRONG_PASSWORD = 'neuf girafes au soleil';

const median = (samples: number[]): number => {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
};

/** The work of a hash, which is most of a sign-in's time, is made small: what it would hide shows. */
const hasher = createPasswordHasher({ memoryKiB: 256, timeCost: 1, concurrency: 1, queueLimit: 1 });

describe('the time of a sign-in that fails', function () {
  this.timeout(60_000);
  let app: TestApp;
  let close: () => Promise<void>;
  before(async () => {
    app = await startTestApp();
    const { clock } = app;
    const deps = { ...createDeps(readSettings(app.environment), { clock, log: app.deps.log }), hasher };
    const { listener } = await createApp(deps);
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    app.balance([(server.address() as AddressInfo).port]);
    close = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await deps.close();
    };
  });
  after(async () => {
    await close();
    await app.close();
  });

  /** @returns how far the medians of both are apart, as a part of the longer one. */
  async function distance(emails: readonly [string, string], token: string | undefined) {
    const visitor = new Visitor(app.issuer);
    const form = await visitor.get('/connexion');
    if (token) await visitor.jar.setCookie(`caducee_device=${token}; Path=/`, app.issuer);
    const samples: [number[], number[]] = [[], []];
    for (let round = -WARM_UP; round < ROUNDS; round += 1) {
      await app.database.knex('throttle_counters').delete();
      // Each is first in turn: whatever slows the machine slows both.
      for (const which of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const start = performance.now();
        const page = await visitor.send(form, { email: emails[which], password: WRONG_PASSWORD });
        const took = performance.now() - start;
        expect(page.status).to.equal(422);
        if (round >= 0) samples[which].push(took);
      }
    }
    const [one, other] = samples.map(median) as [number, number];
    const said = `medians of ${ROUNDS}: ${one.toFixed(2)} ms and ${other.toFixed(2)} ms`;
    return { apart: Math.abs(one - other) / Math.max(one, other), said };
  }

  for (const [what, token] of [
    ['', undefined],
    [', with the cookie of a device', 'A'.repeat(43)],
  ] as const) {
    it(`is the same for a known and an unknown address${what}`, async () => {
      const email = `connu${what.length}@example.test`;
      await createTestAccount(app.deps, {
        email,
        passwordHash: await hasher.hash('sept girafes sous la pluie'),
      });
      const emails = [email, 'nobody-at-all@example.test'] as const;
      const first = await distance(emails, token);
      // Another process may have taken the machine at the wrong moment: a difference of ours comes back.
      const { apart, said } = first.apart < CLOSE ? first : await distance(emails, token);
      expect(apart, said).to.be.below(CLOSE);
    });
  }
});
