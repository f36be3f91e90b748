/** HTML as a tagged template: whatever is put in is escaped, unless it is HTML that was made the same way. */

/** Markup that is safe to send. Made by `markup` alone. */
export interface Html {
  readonly kind: 'html'
  readonly text: string
}

export type HtmlValue = string | number | Html | undefined | false | null | readonly HtmlValue[]

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as HTML that says just that, in an element or an attribute. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => escapes[character] ?? '')

function render(value: HtmlValue): string {
  if (value === undefined || value === null || value === false) return ''
  if (typeof value === 'string') return escapeHtml(value)
  if (typeof value === 'number') return String(value)
  if ('kind' in value) return value.text
  return value.map(render).join('')
}

/** Attributes are written with quotes in the template: `<input value="${value}">`. */
export function markup(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const text = parts
    .map((part, index) => part + (index < values.length ? render(values[index]) : ''))
    .join('')
  return { kind: 'html', text }
}

/** An attribute that is there or not: `<input${flag('required', isNeeded)}>`. */
export const flag = (name: 'required' | 'selected' | 'disabled', isOn: boolean): Html | undefined =>
  isOn ? { kind: 'html', text: ` ${name}` } : undefined
