/**
 * The texts of the connect page. A partner may give its own for each key, in any language; `{provider}`, `{partner}` and `{host}` stand for
 * names. What a provider says of its own fields and steps is in the provider's words.
 */
import { choose, languageTag, widening } from './languages.ts'

export const english = {
  'step.choose': 'Choose',
  'step.setup': 'Set up',
  'step.test': 'Test',
  'step.done': 'Done',
  'steps.label': 'Steps',
  'title.connect': 'Connect {provider}',
  'title.reconnect': 'Reconnect {provider}',
  'title.problem': 'Problem: {title}',
  'choose.lead': '{partner} would like to work with your {provider} account. Choose how to connect it.',
  'choose.oauth': 'You approve the access at {provider}; no password or key is handed over.',
  'choose.token': 'You make a key at {provider} and enter it here.',
  'choose.recommended': 'Recommended.',
  'choose.other': 'Choose another way to connect',
  'setup.oauth':
    '{partner} would like to work with your {provider} account. You will approve this at {provider} and come back here.',
  'setup.token':
    '{partner} would like to work with your {provider} account. What you enter is kept encrypted and used for nothing else.',
  'setup.reconnect':
    '{partner} needs a new access to your {provider} account. Connect the same account again: nothing that has been synced is lost.',
  'setup.continue': 'Continue to {provider}',
  'setup.connect': 'Test and connect',
  'setup.reconnectButton': 'Test and reconnect',
  'setup.allow': 'What {provider} will ask you to allow',
  'setup.allowOptional': 'Without what is optional, only that feature stays off.',
  'setup.needed': 'needed',
  'setup.optional': 'optional',
  'field.optional': '(optional)',
  'field.example': 'Example: {example}',
  'field.kept': 'Entered already. Leave it empty to keep it.',
  'field.missing': 'Enter: {label}.',
  'problem.fields': 'Please look at this again',
  'problem.failed': 'This did not work',
  'problem.admin': 'This has to be mended by whoever sent you the link.',
  'problem.oauth': 'You can try again below. {provider} will ask you once more.',
  'problem.token': 'Check what you entered below and try again.',
  'problem.again': 'Test again',
  'waiting.title': 'Waiting for your approval at {provider}',
  'waiting.text': 'If you came back without finishing there, continue from here once more.',
  'test.title': 'Testing the connection with {provider}',
  'test.text': 'This takes a few seconds. The page moves on by itself.',
  'test.slow':
    'It takes longer than usual: {provider} or the hub is slow to answer. You may leave this page open, or close it: the test goes on.',
  'done.title': '{provider} is connected',
  'done.proof': 'The test went through',
  'done.account': 'Account',
  'done.text':
    '{partner} keeps your data in step from now on, until you end it there or remove the access at {provider}.',
  'done.close': 'You can close this page.',
  'done.without': 'Not everything was allowed',
  'done.withoutText': 'These features stay off until the account is connected again with their access:',
  'back.cancel': 'Cancel and go back to {host}',
  'back.continue': 'Continue to {host}',
  'back.leave': 'Leave and go back to {host}',
  'expired.title': 'This link has expired',
  'expired.text':
    'Links to connect an account live for half an hour. Ask {partner} for a new link to connect {provider}. Nothing that you entered is kept.',
  'link.expired': 'Ask whoever sent it to you for a new one.',
  'link.invalidTitle': 'This link is not valid',
  'link.invalid': 'Check that the whole address was copied, or ask whoever sent it to you for a new one.',
  'stranger.title': 'This page is open in another browser',
  'stranger.text':
    'A link to connect an account works in the browser that opened it first, and in no other. Go back to that browser, or ask for a new link. If cookies are blocked here, allow them for this page and ask for a new link.',
  'broken.later': 'Please try again in a moment',
  'broken.laterText': 'A part of this service does not answer just now. Reload this page.',
  'broken.ours': 'Something is broken',
  'broken.oursText': 'This is our mistake. Please tell whoever sent you the link: {id}.',
  'broken.other': 'That did not work',
  'lost.title': 'This answer came too late',
  'lost.text':
    'It belongs to no connection that is being made, or was used already. Go back to the page you came from, or open your link again.',
  'footer.help': 'Help',
  'footer.imprint': 'Imprint',
  'footer.privacy': 'Privacy',
  'footer.terms': 'Terms',
  'mail.greeting': 'Hello,',
  'mail.closing': 'Kind regards',
  'mail.help': 'Questions? Write to {email}.',
  'mail.link': 'If the button does not work, open this address: {url}',
} as const

export type TextKey = keyof typeof english

const german: Readonly<Record<TextKey, string>> = {
  'step.choose': 'Auswählen',
  'step.setup': 'Einrichten',
  'step.test': 'Prüfen',
  'step.done': 'Fertig',
  'steps.label': 'Schritte',
  'title.connect': '{provider} verbinden',
  'title.reconnect': '{provider} neu verbinden',
  'title.problem': 'Problem: {title}',
  'choose.lead':
    '{partner} möchte mit Ihrem Konto bei {provider} arbeiten. Wählen Sie, wie es verbunden wird.',
  'choose.oauth':
    'Sie erlauben den Zugriff bei {provider}; weder Passwort noch Schlüssel werden weitergegeben.',
  'choose.token': 'Sie erstellen bei {provider} einen Schlüssel und tragen ihn hier ein.',
  'choose.recommended': 'Empfohlen.',
  'choose.other': 'Anders verbinden',
  'setup.oauth':
    '{partner} möchte mit Ihrem Konto bei {provider} arbeiten. Sie erlauben das bei {provider} und kommen danach hierher zurück.',
  'setup.token':
    '{partner} möchte mit Ihrem Konto bei {provider} arbeiten. Was Sie eintragen, wird verschlüsselt aufbewahrt und für nichts anderes verwendet.',
  'setup.reconnect':
    '{partner} braucht einen neuen Zugriff auf Ihr Konto bei {provider}. Verbinden Sie dasselbe Konto noch einmal: Bereits abgeglichene Daten bleiben erhalten.',
  'setup.continue': 'Weiter zu {provider}',
  'setup.connect': 'Prüfen und verbinden',
  'setup.reconnectButton': 'Prüfen und neu verbinden',
  'setup.allow': 'Was {provider} Sie um Erlaubnis fragen wird',
  'setup.allowOptional': 'Ohne das, was freiwillig ist, bleibt nur die jeweilige Funktion aus.',
  'setup.needed': 'nötig',
  'setup.optional': 'freiwillig',
  'field.optional': '(freiwillig)',
  'field.example': 'Beispiel: {example}',
  'field.kept': 'Schon eingetragen. Leer lassen, um es zu behalten.',
  'field.missing': 'Bitte eintragen: {label}.',
  'problem.fields': 'Bitte noch einmal ansehen',
  'problem.failed': 'Das hat nicht geklappt',
  'problem.admin': 'Das muss beheben, wer Ihnen den Link geschickt hat.',
  'problem.oauth': 'Sie können es unten noch einmal versuchen. {provider} fragt Sie dann erneut.',
  'problem.token': 'Prüfen Sie unten Ihre Angaben und versuchen Sie es noch einmal.',
  'problem.again': 'Noch einmal prüfen',
  'waiting.title': 'Ihre Erlaubnis bei {provider} steht noch aus',
  'waiting.text': 'Falls Sie zurückgekommen sind, ohne dort fertig zu werden, machen Sie hier weiter.',
  'test.title': 'Die Verbindung mit {provider} wird geprüft',
  'test.text': 'Das dauert ein paar Sekunden. Die Seite geht von selbst weiter.',
  'test.slow':
    'Es dauert länger als sonst: {provider} oder dieser Dienst antwortet langsam. Sie können die Seite offen lassen oder schließen, die Prüfung läuft weiter.',
  'done.title': '{provider} ist verbunden',
  'done.proof': 'Die Prüfung war erfolgreich',
  'done.account': 'Konto',
  'done.text':
    '{partner} gleicht Ihre Daten von nun an ab, bis Sie es dort beenden oder den Zugriff bei {provider} entfernen.',
  'done.close': 'Sie können diese Seite schließen.',
  'done.without': 'Nicht alles wurde erlaubt',
  'done.withoutText': 'Diese Funktionen bleiben aus, bis das Konto mit ihrer Erlaubnis neu verbunden wird:',
  'back.cancel': 'Abbrechen und zurück zu {host}',
  'back.continue': 'Weiter zu {host}',
  'back.leave': 'Zurück zu {host}',
  'expired.title': 'Dieser Link ist abgelaufen',
  'expired.text':
    'Links zum Verbinden gelten eine halbe Stunde. Bitten Sie {partner} um einen neuen Link für {provider}. Was Sie eingetragen haben, wurde gelöscht.',
  'link.expired': 'Bitten Sie um einen neuen, wo Sie diesen bekommen haben.',
  'link.invalidTitle': 'Dieser Link ist ungültig',
  'link.invalid':
    'Prüfen Sie, ob die ganze Adresse kopiert wurde, oder bitten Sie um einen neuen Link, wo Sie diesen bekommen haben.',
  'stranger.title': 'Diese Seite ist in einem anderen Browser geöffnet',
  'stranger.text':
    'Ein Link zum Verbinden gilt nur in dem Browser, der ihn zuerst geöffnet hat. Gehen Sie dorthin zurück oder bitten Sie um einen neuen Link. Falls Cookies hier gesperrt sind, erlauben Sie sie für diese Seite und bitten Sie um einen neuen Link.',
  'broken.later': 'Bitte versuchen Sie es gleich noch einmal',
  'broken.laterText': 'Ein Teil dieses Dienstes antwortet gerade nicht. Laden Sie die Seite neu.',
  'broken.ours': 'Hier ist etwas kaputt',
  'broken.oursText':
    'Das ist unser Fehler. Bitte nennen Sie, wo Sie den Link bekommen haben, diese Nummer: {id}.',
  'broken.other': 'Das hat nicht geklappt',
  'lost.title': 'Diese Antwort kam zu spät',
  'lost.text':
    'Sie gehört zu keiner Verbindung, die gerade hergestellt wird, oder wurde schon verwendet. Gehen Sie zurück oder öffnen Sie Ihren Link noch einmal.',
  'footer.help': 'Hilfe',
  'footer.imprint': 'Impressum',
  'footer.privacy': 'Datenschutz',
  'footer.terms': 'Nutzungsbedingungen',
  'mail.greeting': 'Guten Tag,',
  'mail.closing': 'Freundliche Grüße',
  'mail.help': 'Fragen? Schreiben Sie an {email}.',
  'mail.link': 'Falls der Knopf nicht geht, öffnen Sie diese Adresse: {url}',
}

const builtIn: Readonly<Record<string, Readonly<Record<TextKey, string>>>> = { en: english, de: german }

export const isTextKey = (text: string): text is TextKey => Object.hasOwn(english, text)

export interface Texts {
  readonly language: string
  /** The text of a key with the names put in. Plain text: whoever shows it escapes it. */
  t(key: TextKey, names?: Readonly<Record<string, string>>): string
}

type Own = Readonly<Record<string, Readonly<Record<string, string>>>>

/**
 * Texts in the language that serves the person best.
 * @param preferred languages of the person, best first.
 */
export function textsIn(
  preferred: readonly string[],
  brand: { readonly texts?: Own; readonly defaultLanguage?: string } = {},
): Texts {
  const own = brand.texts ?? {}
  const fallback = languageTag(brand.defaultLanguage ?? 'en') ?? 'en'
  const available = [...Object.keys(own), ...Object.keys(builtIn)]
  const language = choose(preferred, available, fallback)
  const chain = [...new Set([...widening(language), ...widening(fallback), 'en'])]
  const find = (key: TextKey): string => {
    for (const tag of chain) {
      const found = own[tag]?.[key] ?? builtIn[tag]?.[key]
      if (found !== undefined) return found
    }
    return english[key]
  }
  return {
    language,
    t: (key, names = {}) => find(key).replace(/\{(\w+)\}/g, (whole, name: string) => names[name] ?? whole),
  }
}

/** Names in braces that a key's text may use. */
export const namesIn = (text: string): readonly string[] =>
  [...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
