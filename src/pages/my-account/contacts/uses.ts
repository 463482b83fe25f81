/** What an address is used for, as the tick boxes of its pages ask. */
import type { Principal } from '../../../accounts/principals.ts';
import { listApplicationNames } from '../../../applications/applications.ts';
import { listEmailLinks, saveEmailUses } from '../../../applications/email-links.ts';
import { listTiles } from '../../../applications/tiles.ts';
import type { Deps } from '../../../deps.ts';

export interface Use {
  readonly clientId: string;
  readonly name: string;
  /** The address that the application knows now. */
  readonly emailId: string | undefined;
  readonly address: string | undefined;
}

/** Applications that the person may enter and that are told an address, with those that know one already; by name. */
export async function listUses({ knex, settings }: Deps, { account }: Principal): Promise<Use[]> {
  const tiles = await listTiles(knex, { issuer: settings.ISSUER }, account);
  const links = new Map((await listEmailLinks(knex, account.id)).map((link) => [link.clientId, link]));
  const names = new Map(
    tiles
      .filter((tile) => tile.asksForEmail && !tile.refusedBy)
      .map(({ clientId, name }) => [clientId, name]),
  );
  for (const [clientId, name] of await listApplicationNames(knex, [...links.keys()]))
    names.set(clientId, name);
  return [...names]
    .map(([clientId, name]) => {
      const link = links.get(clientId);
      return { clientId, name, emailId: link?.emailId, address: link?.address };
    })
    .sort((a, b) => a.name.localeCompare(b.name, 'fr'));
}

/** The boxes of a form. @param ticked identifiers of applications; what is not offered is left out. */
export const boxesOf = (
  uses: readonly Use[],
  { emailId, ticked }: { emailId?: string; ticked: readonly string[] },
) =>
  uses.map(({ clientId, name, address, ...use }) => ({
    clientId,
    name,
    isTicked: ticked.includes(clientId),
    elsewhere: use.emailId !== undefined && use.emailId !== emailId ? address : undefined,
  }));

/** @returns false, and changes nothing, when the address went meanwhile. */
export function saveUses(
  deps: Deps,
  { account, id: actor }: Principal,
  {
    uses,
    ticked,
    ...saved
  }: {
    uses: readonly Use[];
    emailId: string;
    ticked: readonly string[];
    isStarred: boolean;
    /** Client address. */
    source: string;
  },
): Promise<boolean> {
  const isTicked = ({ clientId }: Use) => ticked.includes(clientId);
  const idsOf = (some: readonly Use[]) => some.map(({ clientId }) => clientId);
  return saveEmailUses(deps.knex, deps, {
    ...saved,
    accountId: account.id,
    actor,
    used: idsOf(uses.filter(isTicked)),
    unused: idsOf(uses.filter((use) => !isTicked(use))),
  });
}
