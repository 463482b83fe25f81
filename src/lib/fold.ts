/**
 * A name as it is compared: lower case, without accents, ligatures written out, and one space for any run of hyphens,
 * apostrophes and spaces. `folded_name` in the database does the same.
 */
export const foldName = (name: string): string =>
  name
    .normalize('NFKD')
    .replace(/[œŒ]/g, 'oe')
    .replace(/[æÆ]/g, 'ae')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
