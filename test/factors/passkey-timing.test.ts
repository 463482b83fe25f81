import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { Authenticator, passkeyOptionsOf } from '../support/authenticator.ts';
import { createTestClient } from '../support/client.ts';
import { addPasskey, atThePassword, sendAlone } from '../support/passkeys.ts';
import { Visitor, wordsOf } from '../support/visitor.ts';

const ROUNDS = 200;
const WARM_UP = 20;
const CLOSE = 0.1;

const median = (samples: readonly number[]): number =>
  [...samples].sort((a, b) => a - b)[Math.floor(samples.length / 2)] as number;

describe('the time of a passkey that opens nothing', function () {
  this.timeout(90_000);
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(() => app.close());

  it('is the same for one that somebody has and one that nobody has, and so are the words', async () => {
    const client = await createTestClient(app.issuer, 'messagerie');
    const key = await addPasskey(app, 'camille@example.test');
    const { visitor, page } = await atThePassword({ client, visitor: new Visitor(app.issuer) });
    const nobodys = new Authenticator(app.issuer);
    nobodys.create(passkeyOptionsOf(page));
    const wrong = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const answers = [
      key.get(passkeyOptionsOf(page), { key: wrong }),
      nobodys.get(passkeyOptionsOf(page), { userHandle: key.userHandle }),
      key.get(passkeyOptionsOf(page), { userHandle: Buffer.alloc(32, 1).toString('base64url') }),
    ];

    async function measure(): Promise<{ apart: number; said: string }> {
      const samples: number[][] = answers.map(() => []);
      const words = new Set<string>();
      for (let round = -WARM_UP; round < ROUNDS; round += 1) {
        await app.database.knex('throttle_counters').delete();
        for (let turn = 0; turn < answers.length; turn += 1) {
          // Each is first in turn: whatever slows the machine slows all.
          const which = (turn + round + WARM_UP) % answers.length;
          const start = performance.now();
          const answer = await sendAlone(visitor, page, answers[which] as string);
          if (round >= 0) samples[which]?.push(performance.now() - start);
          words.add(`${answer.status} ${wordsOf(answer)}`);
        }
      }
      expect([...words]).to.have.length(1);
      const medians = samples.map(median);
      const [least, most] = [Math.min(...medians), Math.max(...medians)];
      return { apart: 1 - least / most, said: medians.map((one) => `${one.toFixed(2)} ms`).join(', ') };
    }

    const first = await measure();
    // Another process may have taken the machine at the wrong moment: a difference of ours comes back.
    const { apart, said } = first.apart < CLOSE ? first : await measure();
    expect(apart, said).to.be.below(CLOSE);
  });
});
