/** Parts of pages: fields, notices, the way through the steps. */
import type { Texts } from '../../model/brand-texts.ts'
import type { AuthMethod, OAuth2Auth, SetupField, SetupStep } from '../../providers/contract.ts'
import { choicesOf, hintOf, inputName, type Given } from './fields.ts'
import { flag, markup, type Html, type HtmlValue } from '../../model/markup.ts'

/** What a form shows in its fields. */
export interface Filled {
  readonly given: Given
  readonly errors: ReadonlyMap<string, string>
}

const stages = ['setup', 'test', 'done'] as const
export type Stage = (typeof stages)[number] | 'choose'

/** Where on the way the person is. */
export function progress(current: Stage, hasChoice: boolean, { t }: Texts): Html {
  const all: readonly Stage[] = hasChoice ? ['choose', ...stages] : stages
  const items = all.map((stage) =>
    stage === current
      ? markup`<li aria-current="step">${t(`step.${stage}`)}</li>`
      : markup`<li>${t(`step.${stage}`)}</li>`,
  )
  return markup`<ol class="steps" aria-label="${t('steps.label')}">${items}</ol>`
}

/** A box that says what is the matter; takes the focus, so that it is read first. */
export const notice = (kind: 'bad' | 'note' | 'good', title: string, text: HtmlValue): Html =>
  markup`<div class="alert ${kind}" role="${kind === 'bad' ? 'alert' : 'status'}" tabindex="-1"${kind === 'bad' && autofocus}>
<h2>${title}</h2>
${text}
</div>`

const autofocus: Html = markup` autofocus`

/** Names each field that is wrong, with a link to it. */
export function errorSummary(
  method: AuthMethod,
  errors: ReadonlyMap<string, string>,
  title: string,
): Html | undefined {
  if (errors.size === 0) return undefined
  const fields = method.setup.flatMap((step) => step.fields).filter(({ name }) => errors.has(name))
  const items = fields.map(
    (field) => markup`<li><a href="#${idOf(field)}">${field.label}</a>: ${errors.get(field.name)}</li>`,
  )
  return notice('bad', title, markup`<ul>${items}</ul>`)
}

const idOf = (field: SetupField): string => `field-${field.name}`

/** The provider's setup steps with their fields, in order. */
export function setupSteps(steps: readonly SetupStep[], filled: Filled, texts: Texts): HtmlValue {
  const isNumbered = steps.length > 1
  return steps.map(
    (step, index) => markup`<section class="step"${isForeign(texts) && inEnglish}>
<h2>${isNumbered && `${index + 1}. `}${step.title}</h2>
<p>${step.text}</p>
${step.fields.map((field) => fieldRow(field, filled, texts))}
</section>
`,
  )
}

/** What a provider says of itself is written in English, whatever the language of the page. */
const isForeign = ({ language }: Texts): boolean => language !== 'en' && !language.startsWith('en-')
const inEnglish: Html = markup` lang="en" dir="ltr"`

function fieldRow(field: SetupField, { given, errors }: Filled, { t }: Texts): Html {
  const id = idOf(field)
  const error = errors.get(field.name)
  const isKept = field.secret && given.secrets[field.name] !== undefined
  return markup`<div class="field">
<label for="${id}">${field.label}${!field.required && markup` <span class="optional">${t('field.optional')}</span>`}</label>
<p class="help" id="${id}-help">${field.help}${field.example !== undefined && ` ${t('field.example', { example: field.example })}`}</p>
${isKept && markup`<p class="help" id="${id}-kept">${t('field.kept')}</p>\n`}${control(field, { given, errors }, t('field.missing', { label: field.label }))}
<p class="error" id="${id}-error"${error === undefined && hidden}>${error}</p>
</div>
`
}

const hidden: Html = markup` hidden`

function control(field: SetupField, { given, errors }: Filled, missing: string): Html {
  const id = idOf(field)
  const value = given.settings[field.name] ?? ''
  const isKept = field.secret && given.secrets[field.name] !== undefined
  const described = [`${id}-help`, ...(isKept ? [`${id}-kept`] : []), `${id}-error`].join(' ')
  const shared = markup`id="${id}" name="${inputName(field)}" aria-describedby="${described}" data-missing="${field.required && !isKept ? missing : ''}"${flag('required', field.required && !isKept)}${errors.has(field.name) && invalid}`
  const choices = choicesOf(field)
  if (choices) {
    const options = choices.map(
      (one) => markup`<option value="${one}"${flag('selected', one === value)}>${one}</option>`,
    )
    return markup`<select ${shared}>${!field.required && markup`<option value=""></option>`}${options}</select>`
  }
  return markup`<input ${shared} type="${field.secret ? 'password' : 'text'}" value="${value}" data-pattern="${field.pattern}" data-hint="${hintOf(field)}" maxlength="20000" autocomplete="off" autocapitalize="off" spellcheck="false">`
}

const invalid: Html = markup` aria-invalid="true"`

/** What access is asked for and what it is for; features that share a scope's purpose stand together. */
export function scopeList({ scopes }: OAuth2Auth, { t }: Texts): Html {
  const features = [...new Set(scopes.map(({ feature }) => feature))]
  const items = features.map((feature) => {
    const of = scopes.filter((one) => one.feature === feature)
    const isNeeded = of.some((one) => one.required)
    return markup`<li><div class="what"><span>${feature}</span><span class="tag">${t(isNeeded ? 'setup.needed' : 'setup.optional')}</span></div>
<code>${of.map(({ scope }) => scope).join(' ')}</code></li>
`
  })
  return markup`<ul class="scopes">${items}</ul>`
}

/** A way out, where the partner gave one. */
export function wayBack(
  returnUrl: string | null,
  text: (host: string) => string,
  isButton = false,
): Html | undefined {
  if (returnUrl === null) return undefined
  return markup`<a${isButton && buttonLook} href="${returnUrl}">${text(new URL(returnUrl).host)}</a>`
}

const buttonLook: Html = markup` class="button"`
