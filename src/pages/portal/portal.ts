/** The portal: a tile for each application that the person may open. */
import { listEmailAddresses } from '../../accounts/email-addresses.ts';
import { nameInGreeting } from '../../accounts/names.ts';
import { listTiles, matches, type Tile } from '../../applications/tiles.ts';
import type { Deps } from '../../deps.ts';
import { type PageContext, renderPage } from '../../http/context.ts';
import { takeNotice } from '../../http/notice.ts';
import type { SignedIn } from '../../http/session.ts';
import { accessWords } from '../access-words.ts';
import { addresses } from '../addresses.ts';
import { signedInContext } from '../signed-in.ts';

/** With as many tiles, they are all seen at a glance. */
const TILES_WITHOUT_SEARCH = 8;

const SEARCH_FIELD = 'recherche';
const MAX_SEARCH_LENGTH = 100;

export const tilesOf = ({ knex, settings }: Deps, { account }: SignedIn): Promise<Tile[]> =>
  listTiles(knex, { issuer: settings.ISSUER }, account);

/** Where a tile leads: to the question first, when there is something to choose. */
const urlOf = (tile: Tile, mustChoose: boolean): string | undefined => {
  if (tile.refusedBy) return undefined;
  return mustChoose ? addresses.openApplication(tile.clientId) : tile.startUrl;
};

export async function showPortal(deps: Deps, ctx: PageContext, signedIn: SignedIn): Promise<void> {
  const { account, member } = signedIn;
  const tiles = await tilesOf(deps, signedIn);
  const emails = await listEmailAddresses(deps.knex, account.id);
  const hasSearch = tiles.length > TILES_WITHOUT_SEARCH;
  const asked = ctx.query[SEARCH_FIELD];
  const search = hasSearch && typeof asked === 'string' ? asked.slice(0, MAX_SEARCH_LENGTH).trim() : '';
  const only = emails.length === 1 ? emails[0]?.address : undefined;
  const applications = tiles.map((tile) => {
    const email = tile.asksForEmail ? (tile.email ?? only) : undefined;
    const mustChoose = tile.asksForEmail && email === undefined;
    return {
      name: tile.name,
      description: tile.description,
      icon: tile.icon,
      url: urlOf(tile, mustChoose),
      email,
      mustChoose,
      reserved: tile.refusedBy && accessWords(tile.refusedBy),
      isFound: matches(search, tile),
    };
  });
  renderPage(deps, ctx, 'portal/portal.njk', {
    ...signedInContext(signedIn),
    alert: takeNotice(ctx),
    givenName: nameInGreeting(member?.givenName ?? account.givenName ?? ''),
    strongAuthenticationUrl: addresses.strongAuthentication,
    membersUrl: member ? addresses.members : undefined,
    applications,
    found: applications.filter(({ isFound }) => isFound).length,
    search: hasSearch ? { field: SEARCH_FIELD, value: search } : undefined,
    query: search ? new URLSearchParams({ [SEARCH_FIELD]: search }).toString() : undefined,
  });
}
