/** « Rouvrir mon compte »: for who closed their account and proved, as for any sign-in, that it is theirs. */
import type Router from '@koa/router';
import { DuplicateAccountError } from '../../accounts/accounts.ts';
import { findPrincipal } from '../../accounts/principals.ts';
import { isReopenable } from '../../accounts/states.ts';
import { transition } from '../../accounts/transition.ts';
import type { Deps } from '../../deps.ts';
import { CaduceeError } from '../../errors.ts';
import { clientAddress, type PageContext, type RequestState, seeOther } from '../../http/context.ts';
import { parseForm, verifyForm } from '../../http/forms.ts';
import { endJourney } from '../../journeys/journeys.ts';
import { addresses } from '../addresses.ts';
import { type Proven, type SignInFrame, stepUrl } from './frame.ts';
import type { Interaction } from './interaction.ts';
import { signInPage } from './pages.ts';
import { nextStep } from './steps.ts';

export function reopenRoutes(router: Router<RequestState>, deps: Deps, frame: SignInFrame): void {
  const { knex, clock, settings } = deps;
  const page = signInPage(deps);

  /** Runs `act` when all is proved and the account may be opened again; anybody else goes to where their sign-in stands. */
  async function asProven(
    ctx: PageContext,
    act: (interaction: Interaction, proven: Proven) => Promise<void> | void,
  ): Promise<void> {
    const interaction = await frame.enter(ctx);
    const proven = await frame.provenIn(ctx, interaction);
    const due = nextStep(proven?.journey.state, proven?.choices ?? []);
    if (!proven || due !== 'reopen') return seeOther(ctx, stepUrl(interaction, due));
    if (isReopenable(clock, proven.principal.account)) return act(interaction, proven);
    // Opened meanwhile, in another browser: what was proved here was for a closed account.
    await endJourney(knex, proven.journey);
    seeOther(ctx, stepUrl(interaction, 'password'));
  }

  const show = (ctx: PageContext, interaction: Interaction, { principal }: Proven, alert?: object) =>
    page(ctx, interaction, 'sign-in/reopen.njk', {
      path: stepUrl(interaction, 'reopen'),
      action: stepUrl(interaction, 'reopen'),
      email: principal.email,
      until: principal.account.reopenUntil,
      backUrl: addresses.home,
      alert,
    });

  router.get('/connexion/:uid/rouvrir', (ctx) =>
    asProven(ctx, (interaction, proven) => show(ctx, interaction, proven)),
  );

  router.post('/connexion/:uid/rouvrir', parseForm, verifyForm(deps), (ctx) =>
    asProven(ctx, async (interaction, proven) => {
      const { principal, journey } = proven;
      const { account, member } = principal;
      const { proved } = journey.state;
      if (!proved) throw new CaduceeError('internal', { detail: 'nothing was proved' });
      try {
        await knex.transaction(async (trx) => {
          // First, because it takes the journey's row: of two clicks, one opens the account.
          await endJourney(trx, journey);
          await transition(trx, deps, {
            accountId: account.id,
            to: 'active',
            by: { role: 'person', accountId: account.id, source: clientAddress(ctx) },
          });
        });
      } catch (error) {
        if (!(error instanceof DuplicateAccountError)) throw error;
        ctx.status = 409;
        const { SUPPORT_EMAIL: supportEmail } = settings;
        const alert = { kind: 'refusal', key: 'alert.account.reopenRppsTaken' };
        return show(ctx, interaction, proven, {
          ...alert,
          vars: { supportEmail },
          url: `mailto:${supportEmail}`,
        });
      }
      const reopened = await findPrincipal(knex, account.id, member?.id);
      if (!reopened) throw new CaduceeError('internal', { detail: 'reopened and gone' });
      await frame.completeAs(ctx, interaction, { principal: reopened, assurance: proved }, async () => true);
    }),
  );
}
