/**
 * Sign-up with RPPS number and birthdate: who proves a contact that the Order holds gets an active account at once. The
 * page of the journey and the ways back to it; each step has a file of its own.
 */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { noticeNow, resendNotice } from '../../../credentials/resend-notice.ts';
import type { Deps } from '../../../deps.ts';
import { type RequestState, seeOther } from '../../../http/context.ts';
import { type Journey, moveJourney } from '../../../journeys/journeys.ts';
import { proposeEmail } from '../../proposed-email.ts';
import { findDestination } from '../../sign-in/interaction.ts';
import { addressRoutes, proveAddress } from './address.ts';
import { contactRoutes, sendToOrdinalContact } from './contact.ts';
import { credentialsRoutes } from './credentials.ts';
import { contactOf, ordrePages } from './pages.ts';
import { nextStep, type OrdreState } from './steps.ts';

const ACTIONS = ['contact', 'code', 'renvoyer', 'identifiants', 'adresse', 'activer'];

export function ordreRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex, clock } = deps;
  const pages = ordrePages(deps);
  const { base, form, show, withJourney } = pages;

  router.get('/inscription/ordre/:journey', (ctx) =>
    withJourney(ctx, async ({ state }) => {
      if (state.step === 'under-way') return show(ctx, state, { alert: noticeNow(clock, state.notice) });
      proposeEmail(deps, ctx, state.email);
      const { alive } = await findDestination(provider, state.interaction);
      show(ctx, alive ? state : { ...state, interaction: undefined });
    }),
  );

  // A form's own address, typed or reloaded: back to the step that is due.
  for (const action of ACTIONS) {
    router.get(`/inscription/ordre/:journey/${action}`, (ctx) => seeOther(ctx, base(ctx)));
  }

  router.get('/inscription/ordre/:journey/retour', (ctx) =>
    withJourney(ctx, async (journey) => {
      const { state } = journey;
      if (state.step === 'under-way' && nextStep(state) === 'code') {
        const { contact: _, notice: __, ...withoutContact } = state;
        await moveJourney(knex, deps, journey, withoutContact);
      } else if (state.step === 'under-way' && state.chosen) {
        const { chosen, notice: _, ...withoutAddress } = state;
        await moveJourney(knex, deps, journey, { ...withoutAddress, typedEmail: chosen?.address });
      }
      seeOther(ctx, base(ctx));
    }),
  );

  router.post('/inscription/ordre/:journey/renvoyer', ...form, (ctx) =>
    withJourney(ctx, async (journey) => {
      const { state } = journey;
      const step = nextStep(state);
      if (state.step === 'done' || (step !== 'code' && step !== 'address-code'))
        return seeOther(ctx, base(ctx));
      const shown = step === 'code' ? contactOf(state).masked : (state.chosen?.address ?? '');
      const sent: Journey<OrdreState> = {
        ...journey,
        state: { ...state, notice: resendNotice(clock, undefined, shown) },
      };
      const refused =
        step === 'code'
          ? await sendToOrdinalContact(deps, ctx, sent, contactOf(state), true)
          : await proveAddress(deps, ctx, sent, sent.state, true);
      if (refused)
        await moveJourney(knex, deps, journey, { ...state, notice: resendNotice(clock, refused, shown) });
      seeOther(ctx, base(ctx));
    }),
  );

  contactRoutes(router, deps, pages);
  credentialsRoutes(router, deps, pages);
  addressRoutes(router, deps, pages);
}
