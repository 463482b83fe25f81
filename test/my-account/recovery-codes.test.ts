import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { addRecoveryCodes } from '../support/factors.ts';
import { CAMILLE, changesOf, signedIn } from './support.ts';

const CODES = '/mon-compte/authentification-forte/codes-de-secours';

describe('« Codes de secours »', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp({ nodes: 2 });
  });
  afterEach(() => app.close());

  for (const [what, before] of [
    ['there were none', async () => undefined],
    ['there were some', () => addRecoveryCodes(app, CAMILLE.email)],
  ] as const)
    it(`are ten when they are asked for four times at once and ${what}`, async () => {
      await before();
      const visitor = await signedIn(app, CAMILLE);
      const page = await visitor.get(CODES);
      const answers = await Promise.all(Array.from({ length: 4 }, () => visitor.send(page, {})));
      expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200]);
      expect(await app.database.knex('recovery_codes')).to.have.length(10);
      expect(await changesOf(app, CAMILLE)).to.have.length(4);
    });
});
