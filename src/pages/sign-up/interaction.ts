/** The sign-in that a sign-up began from, carried in `?connexion=` and given back at the end. */
import type { PageContext } from '../../http/context.ts';

const INTERACTION = /^[\w-]{21,64}$/;

/** @returns the uid of the interaction, or undefined for anything that cannot be one. */
export function interactionOf(ctx: PageContext): string | undefined {
  const { connexion } = ctx.query;
  return typeof connexion === 'string' && INTERACTION.test(connexion) ? connexion : undefined;
}
