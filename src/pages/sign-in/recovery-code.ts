/** A recovery code, for who lost what they usually confirm with. Its use is told to every contact at once. */
import type Router from '@koa/router';
import type { Principal } from '../../accounts/principals.ts';
import { listContacts, tellContacts } from '../../accounts/tell-contacts.ts';
import { record } from '../../audit/journal.ts';
import type { Deps } from '../../deps.ts';
import { parseRecoveryCode, useRecoveryCode } from '../../factors/recovery-codes.ts';
import { clientAddress, type PageContext, type RequestState } from '../../http/context.ts';
import { fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import type { Lang } from '../../http/texts.ts';
import type { Db } from '../../lib/database.ts';
import type { Fault } from '../../lib/fault.ts';
import { countGuess } from '../../throttle/guesses.ts';
import { addresses } from '../addresses.ts';
import { type Proven, type SignInFrame, stepUrl } from './frame.ts';
import { signInPage } from './pages.ts';

export function recoveryCodeRoutes(router: Router<RequestState>, deps: Deps, frame: SignInFrame): void {
  const page = signInPage(deps);
  const { clock, knex, settings } = deps;

  function show(ctx: PageContext, { interaction, choices, journey }: Proven, code?: Fault): void {
    if (code) ctx.status = 422;
    const action = stepUrl(interaction, 'recovery-code');
    page(ctx, interaction, 'sign-in/recovery-code.njk', {
      path: action,
      action,
      errors: code ? { code } : {},
      otherChannelUrl: choices.length > 1 ? stepUrl(interaction, 'choice') : undefined,
      backUrl: stepUrl(interaction, journey.state.session ? 'choice' : 'password'),
    });
  }

  /** @returns false when the code is not theirs, or was used. */
  async function use(
    trx: Db,
    principal: Principal,
    code: string,
    { lang, source }: { lang: Lang; source: string },
  ): Promise<boolean> {
    const left = await useRecoveryCode(trx, deps, principal.id, code);
    if (left === undefined) return false;
    const { account, member, id: actor } = principal;
    await tellContacts(trx, deps, await listContacts(trx, principal), {
      lang,
      mail: {
        channel: 'email',
        template: 'recovery-code-used',
        params: {
          givenName: member?.givenName ?? account.givenName,
          left,
          at: clock.now().toISOString(),
          strongAuthenticationUrl: `${settings.ISSUER}${addresses.strongAuthentication}`,
          supportEmail: settings.SUPPORT_EMAIL,
        },
      },
      sms: { channel: 'sms', template: 'recovery-code-used', params: { left } },
    });
    await record(trx, clock, {
      event: 'recovery-code.used',
      outcome: 'success',
      actor,
      subject: account.id,
      source,
      details: { left },
    });
    return true;
  }

  router.get('/connexion/:uid/code-de-secours', (ctx) =>
    frame.at(ctx, 'recovery-code', (proven) => show(ctx, proven)),
  );

  router.post('/connexion/:uid/code-de-secours', parseForm, verifyForm(deps), (ctx) =>
    frame.at(ctx, 'recovery-code', async (proven) => {
      const { principal } = proven;
      const { code: typed = '' } = fieldsOf(ctx);
      const code = parseRecoveryCode(typed);
      if (!code) {
        const key = typed.trim() ? 'fault.recoveryCode.format' : 'fault.required.recoveryCode';
        return show(ctx, proven, { key });
      }
      const { lang } = ctx.state as RequestState;
      const source = clientAddress(ctx);
      const counted = await countGuess(deps, { way: 'recovery-code', principalId: principal.id, source });
      if (!counted.allowed) return show(ctx, proven, counted.fault);
      if (await frame.complete(ctx, proven, (trx) => use(trx, principal, code, { lang, source })))
        return counted.succeeded();
      await record(knex, clock, {
        event: 'sign-in.refused',
        outcome: 'failure',
        actor: principal.member?.id,
        subject: principal.account.id,
        source,
        details: { step: 'recovery-code' },
      });
      await counted.failed();
      show(ctx, proven, { key: 'fault.recoveryCode.wrong' });
    }),
  );
}
