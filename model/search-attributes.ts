/** The typed search attributes of the hub's workflows, all keywords (design §6). Registered at start-up. */
export const searchAttributeNames = [
  'TielineProvider',
  'TielineConnection',
  'TielineAccount',
  'TielinePartner',
  'TielineOutcome',
] as const
