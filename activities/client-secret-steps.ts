/** What a person is told to do at a provider when the hub's app gets another client secret there. */
import type { OAuth2Auth } from '../providers/contract.ts'

interface Told {
  readonly part: 'make' | 'delete'
  readonly rotationId: string
  readonly provider: { readonly slug: string; readonly name: string }
  readonly secretChange: OAuth2Auth['client']['secretChange']
}

export function clientSecretSteps({ part, rotationId, provider, secretChange }: Told): string[] {
  const { slug, name } = provider
  if (part === 'delete') return [deletion(name, secretChange), confirmation(rotationId)]
  const where = secretChange ? `: ${secretChange.where}` : ''
  const warning = secretChange?.warning === undefined ? '' : ` ${secretChange.warning}`
  return [
    `Make a second client secret for the hub’s app at ${name}${where}. ${fateOfOld(secretChange)}${warning}`,
    `Enter it here: "tieline providers app ${slug}", or PUT /admin/v1/providers/${slug}/app.`,
  ]
}

/** Until the new secret is entered, whoever needs new tokens is refused where the old one has ended. */
function fateOfOld(secretChange: Told['secretChange']): string {
  if (secretChange?.keepsBoth === true)
    return `The old one goes on working beside it until it is deleted (${secretChange.source}).`
  if (secretChange?.keepsBoth === false)
    return `It ends the old one at once (${secretChange.source}): have the next step ready, no token can be renewed until the new one is entered.`
  const looked = secretChange ? ` (${secretChange.source} does not)` : ''
  return `No source says whether the old one goes on working${looked}: expect that it ends at once, choose a quiet hour, and enter the new one right away.`
}

function deletion(name: string, secretChange: Told['secretChange']): string {
  if (secretChange?.keepsBoth === true) return `Delete the old client secret at ${name}.`
  if (secretChange?.keepsBoth === false)
    return `${name} has ended the old client secret by itself: look that it is gone there.`
  return `Delete the old client secret at ${name}, if it is still there.`
}

const confirmation = (rotationId: string): string =>
  `Say that it is done: "tieline rotations confirm ${rotationId}".`
