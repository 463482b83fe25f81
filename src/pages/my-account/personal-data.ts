/** « Mes données »: all that is held about the person, to read and to take away. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { listContacts, tellContacts } from '../../accounts/tell-contacts.ts';
import { record } from '../../audit/journal.ts';
import type { Deps } from '../../deps.ts';
import { type PageContext, type RequestState, renderPage, seeOther } from '../../http/context.ts';
import { parseForm, verifyForm } from '../../http/forms.ts';
import type { SignedIn } from '../../http/session.ts';
import type { Fault } from '../../lib/fault.ts';
import {
  exportPersonalData,
  type Item,
  SECTIONS,
  type Section,
  type Value,
} from '../../personal-data/export.ts';
import { throttledFault, throttleRules } from '../../throttle/throttle.ts';
import { addresses } from '../addresses.ts';
import { asFresh } from '../fresh-sign-in.ts';
import { signedInContext } from '../signed-in.ts';

const PAGE = 'donnees';
/** Of the journal, on the page; the file has all of it. */
const MAX_SHOWN = 50;
const FILE_NAME = 'caducee-mes-donnees.json';

const INSTANT = /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/;

/** One value in one line. */
function inOneLine(value: Value): string {
  if (value === null) return '';
  if (Array.isArray(value)) return value.map(inOneLine).filter(Boolean).join(', ');
  if (typeof value === 'object')
    return Object.entries(value)
      .map(([key, inner]) => [key, inOneLine(inner)])
      .flatMap(([key, text]) => (text ? [`${key} : ${text}`] : []))
      .join(' ; ');
  return String(value);
}

/** Coded values that the page has words for, by section and field. */
const WORDS: Readonly<Record<string, string>> = {
  'account.kind': 'accountKind',
  'account.state': 'state',
  'account.identityProof': 'proof',
  'approvals.kind': 'request',
  'approvals.decision': 'decision',
  'journal.by': 'by',
  'journal.outcome': 'outcome',
};

/** What is there, as the page shows it. */
const asFacts = (section: Section, item: Item) =>
  Object.entries(item)
    .filter(([, value]) => value !== null && inOneLine(value) !== '')
    .map(([kind, value]) => ({
      kind,
      isMoment: typeof value === 'string' && INSTANT.test(value),
      isTrue: typeof value === 'boolean' ? value : undefined,
      text: inOneLine(value),
      ...(WORDS[`${section}.${kind}`] && {
        wordsKind: WORDS[`${section}.${kind}`],
        valueKind: String(value),
      }),
    }));

export function personalDataRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex, clock, throttle, settings } = deps;

  async function show(ctx: PageContext, signedIn: SignedIn, fault?: Fault): Promise<void> {
    if (fault) ctx.status = 429;
    const data = await exportPersonalData(knex, deps, signedIn);
    renderPage(deps, ctx, 'my-account/personal-data.njk', {
      ...signedInContext(signedIn),
      path: addresses.personalData,
      alert: fault && { kind: 'refusal', ...fault },
      action: addresses.personalDataDownload,
      sections: SECTIONS.filter((section) => data[section].length > 0).map((section) => ({
        kind: section,
        // The newest.
        items: data[section].slice(-MAX_SHOWN).map((item) => asFacts(section, item)),
        count: data[section].length,
        isCut: data[section].length > MAX_SHOWN,
      })),
      shown: MAX_SHOWN,
      activityUrl: addresses.activity,
      backUrl: addresses.myAccount,
    });
  }

  router.get(addresses.personalData, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, (signedIn) => show(ctx, signedIn)),
  );

  // A form's own address, typed or reloaded.
  router.get(addresses.personalDataDownload, (ctx) => seeOther(ctx, addresses.personalData));

  router.post(addresses.personalDataDownload, parseForm, verifyForm(deps), (ctx) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn, { lang, source }) => {
      const { account, member, id } = signedIn;
      const verdict = await throttle.consume(throttleRules.exportPerAccount, id);
      if (!verdict.allowed) return show(ctx, signedIn, throttledFault(verdict.retryAfterSeconds));
      const data = await exportPersonalData(knex, deps, signedIn);
      await knex.transaction(async (trx) => {
        const { addresses: mailboxes } = await listContacts(trx, signedIn);
        const params = {
          givenName: member?.givenName ?? account.givenName,
          change: 'data-downloaded' as const,
          supportEmail: settings.SUPPORT_EMAIL,
        };
        const mail = { channel: 'email', template: 'account-changed', params } as const;
        await tellContacts(trx, deps, { addresses: mailboxes, numbers: [] }, { lang, mail });
        await record(trx, clock, {
          event: 'data.exported',
          outcome: 'success',
          actor: id,
          subject: account.id,
          source,
          ...(member && { details: { member: id } }),
        });
      });
      ctx.attachment(FILE_NAME);
      ctx.type = 'application/json';
      ctx.body = JSON.stringify({ generatedAt: clock.now().toISOString(), ...data }, undefined, 2);
    }),
  );
}
