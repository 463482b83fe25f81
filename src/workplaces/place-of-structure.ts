/** How a structure of the national directory reads as a workplace, in SQL over `directory_structures`. */

const FINESS_SHAPE = `'^[0-9][0-9A-Z][0-9]{7}$'`;

/** What a structure is known by among the workplaces: one of the two. */
export const PLACE_KEYS = `
  CASE WHEN finess_site ~ ${FINESS_SHAPE} THEN finess_site END AS finess,
  CASE WHEN finess_site ~ ${FINESS_SHAPE} THEN NULL ELSE id END AS directory_key`;

/** Once the keys are known. */
export const PLACE_OF_STRUCTURE = `finess, directory_key,
  CASE WHEN finess_legal_entity ~ ${FINESS_SHAPE} THEN finess_legal_entity END AS legal_finess,
  coalesce(name, trade_name) AS name, CASE WHEN name <> trade_name THEN trade_name END AS other_name,
  address_lines, postal_code, commune AS town`;
