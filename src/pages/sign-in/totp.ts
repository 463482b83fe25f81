/** A code of the authenticator application. */
import type Router from '@koa/router';
import { record } from '../../audit/journal.ts';
import type { Deps } from '../../deps.ts';
import { consumeTotp, matchTotp, parseTotp } from '../../factors/totp.ts';
import { clientAddress, type PageContext, type RequestState } from '../../http/context.ts';
import { fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import type { Fault } from '../../lib/fault.ts';
import { countGuess } from '../../throttle/guesses.ts';
import { type Proven, type SignInFrame, stepUrl } from './frame.ts';
import { signInPage } from './pages.ts';
import { trustOffer } from './trusted-device.ts';

export function totpRoutes(router: Router<RequestState>, deps: Deps, frame: SignInFrame): void {
  const page = signInPage(deps);

  function show(ctx: PageContext, proven: Proven, code?: Fault): void {
    if (code) ctx.status = 422;
    const { interaction, choices, journey } = proven;
    const action = stepUrl(interaction, 'totp');
    page(ctx, interaction, 'sign-in/totp.njk', {
      path: action,
      action,
      errors: code ? { code } : {},
      otherChannelUrl: choices.length > 1 ? stepUrl(interaction, 'choice') : undefined,
      backUrl: stepUrl(interaction, journey.state.session ? 'choice' : 'password'),
      trust: trustOffer(deps, ctx, proven),
    });
  }

  router.get('/connexion/:uid/application', (ctx) => frame.at(ctx, 'totp', (proven) => show(ctx, proven)));

  router.post('/connexion/:uid/application', parseForm, verifyForm(deps), (ctx) =>
    frame.at(ctx, 'totp', async (proven) => {
      const { account, id: principalId } = proven.principal;
      const { code: typed = '' } = fieldsOf(ctx);
      const code = parseTotp(typed);
      if (!code)
        return show(ctx, proven, { key: typed.trim() ? 'fault.code.format' : 'fault.required.totp' });
      const source = clientAddress(ctx);
      const counted = await countGuess(deps, { way: 'totp', principalId, source });
      if (!counted.allowed) return show(ctx, proven, counted.fault);
      const matched = await matchTotp(deps.knex, deps, principalId, code);
      if (matched && (await frame.complete(ctx, proven, (trx) => consumeTotp(trx, deps.clock, matched))))
        return counted.succeeded();
      await record(deps.knex, deps.clock, {
        event: 'sign-in.refused',
        outcome: 'failure',
        actor: proven.principal.member?.id,
        subject: account.id,
        source,
        details: { step: 'totp' },
      });
      await counted.failed();
      show(ctx, proven, { key: 'fault.totp.wrong' });
    }),
  );
}
