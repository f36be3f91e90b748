/** A statement as PDF, with its fonts inside: what a partner files. */
import { fileURLToPath } from 'node:url'
import PDFDocument from 'pdfkit'
import type { SourcedLine } from '../db/commission-lines.ts'
import type { Statement, StatementTotal } from '../db/statements.ts'
import { decimalOf } from '../model/money.ts'
import { documentNumber } from './statement-csv.ts'

const fontAt = (name: string): string =>
  fileURLToPath(import.meta.resolve(`@expo-google-fonts/noto-sans/${name}.ttf`))
const fonts = {
  text: fontAt('400Regular/NotoSans_400Regular'),
  bold: fontAt('600SemiBold/NotoSans_600SemiBold'),
}
const ink = '#1c2430'
const faint = '#68707d'
const rule = '#d8dce2'
const accent = '#1f4e79'
const margin = 50
const rowHeight = 17

interface Content {
  /** Who pays. */
  readonly issuer: string
  readonly statement: Statement
  readonly lines: readonly SourcedLine[]
}

const states: Readonly<Record<Statement['state'], string>> = {
  awaiting_approval: 'Awaiting approval',
  approved: 'Approved',
  paid: 'Paid',
  rejected: 'Rejected',
  carried: 'Carried forward',
}

/** Columns from the left edge of the text; `end` is right-aligned to it. */
const columns = [
  { title: 'Date', at: 0, width: 62 },
  { title: 'Document', at: 62, width: 108 },
  { title: 'What', at: 170, width: 112 },
  { title: 'Level', at: 282, width: 40 },
  { title: 'Gross', at: 322, width: 82, end: true },
  { title: 'Amount', at: 404, width: 91, end: true },
] as const

export async function statementPdf({ issuer, statement, lines }: Content): Promise<Uint8Array> {
  const document = new PDFDocument({
    size: 'A4',
    margin,
    bufferPages: true,
    font: fonts.text,
    info: {
      Title: `Commission statement ${statement.period}`,
      Author: issuer,
      CreationDate: statement.createdAt,
    },
  })
  const chunks: Buffer[] = []
  const ended = new Promise<Uint8Array>((resolve, reject) => {
    document.on('data', (chunk: Buffer) => chunks.push(chunk))
    document.on('end', () => resolve(Buffer.concat(chunks)))
    document.on('error', reject)
  })
  document.registerFont('text', fonts.text).registerFont('bold', fonts.bold)
  head(document, issuer, statement)
  totals(document, statement)
  table(document, lines)
  feet(document, statement)
  document.end()
  return await ended
}

type Pdf = InstanceType<typeof PDFDocument>
const right = 595.28 - margin

function head(document: Pdf, issuer: string, statement: Statement): void {
  document.rect(0, 0, 595.28, 6).fill(accent)
  document.font('text').fontSize(9).fillColor(faint).text(issuer, margin, 40)
  document.font('bold').fontSize(20).fillColor(ink).text('Commission statement', margin, 56)
  const facts: readonly (readonly [string, string])[] = [
    ['Partner', statement.partnerName],
    ['Period', monthName(statement.period)],
    ['Statement', statement.statementId],
    ['State', states[statement.state]],
  ]
  let y = 98
  for (const [name, value] of facts) {
    document.font('text').fontSize(9).fillColor(faint).text(name, margin, y, { width: 80 })
    document
      .fillColor(ink)
      .text(value, margin + 80, y, { width: right - margin - 80, height: 12, ellipsis: true })
    y += 15
  }
  document.y = y + 12
}

const monthName = (period: string): string =>
  new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
    new Date(`${period}-01T00:00:00Z`),
  )

/** `1,234.50 EUR`, whole thousands apart. */
function amountText(amountMinor: number, currency: string): string {
  const [whole = '', fraction] = decimalOf({ amountMinor, currency }).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',').replace('-', '\u2212')
  return `${grouped}${fraction === undefined ? '' : `.${fraction}`} ${currency}`
}

function totals(document: Pdf, { totals: list, payouts }: Statement): void {
  for (const total of list) {
    const y = document.y
    document.roundedRect(margin, y, right - margin, 40, 4).fill('#f3f6fa')
    document
      .font('text')
      .fontSize(9)
      .fillColor(faint)
      .text(caption(total), margin + 12, y + 13, { width: 300 })
    document
      .font('bold')
      .fontSize(15)
      .fillColor(total.outcome === 'payable' ? accent : faint)
      .text(amountText(total.totalMinor, total.currency), margin, y + 9, {
        width: right - margin - 12,
        align: 'right',
      })
    document.y = y + 48
  }
  if (list.length === 0) document.font('text').fontSize(10).fillColor(ink).text('Nothing is due.', margin)
  for (const { currency, amountMinor, paidOn, reference } of payouts)
    document
      .font('text')
      .fontSize(9)
      .fillColor(ink)
      .text(`Paid out on ${paidOn}: ${amountText(amountMinor, currency)}, reference ${reference}`, margin)
  document.y += 14
}

function caption({ outcome, lineCount, minimumMinor, currency }: StatementTotal): string {
  const lines = `${lineCount} ${lineCount === 1 ? 'line' : 'lines'}`
  return outcome === 'payable'
    ? `Payable, ${lines}`
    : `Carried forward, ${lines}; payouts begin at ${amountText(minimumMinor, currency)}`
}

function table(document: Pdf, lines: readonly SourcedLine[]): void {
  if (lines.length === 0) return
  let y = headings(document, document.y)
  for (const line of lines) {
    if (y > 841.89 - margin - 40) {
      document.addPage()
      y = headings(document, margin)
    }
    row(document, y, cells(line), line.amountMinor < 0)
    y += rowHeight
  }
}

function headings(document: Pdf, y: number): number {
  document.font('bold').fontSize(8).fillColor(faint)
  for (const column of columns) place(document, column, column.title, y)
  document
    .moveTo(margin, y + 15)
    .lineTo(right, y + 15)
    .lineWidth(0.8)
    .strokeColor(faint)
    .stroke()
  return y + 20
}

const kinds = { earning: 'Commission', reversal: 'Taken back', restoration: 'Given back' } as const

const cells = (line: SourcedLine): readonly string[] => [
  line.occurredAt.toISOString().slice(0, 10),
  documentNumber(line) || line.documentKey,
  `${kinds[line.kind]}, ${line.source?.kind ?? 'unknown'}`,
  line.level === 0 ? 'own' : `${line.level} below`,
  amountText(line.grossMinor, line.currency),
  amountText(line.amountMinor, line.currency),
]

function row(document: Pdf, y: number, texts: readonly string[], isBack: boolean): void {
  document
    .font('text')
    .fontSize(8.5)
    .fillColor(isBack ? '#a4262c' : ink)
  for (const [index, column] of columns.entries()) place(document, column, texts[index] ?? '', y)
  document
    .moveTo(margin, y + 13.5)
    .lineTo(right, y + 13.5)
    .lineWidth(0.4)
    .strokeColor(rule)
    .stroke()
}

function place(
  document: Pdf,
  column: { readonly at: number; readonly width: number; readonly end?: boolean },
  text: string,
  y: number,
): void {
  document.text(text, margin + column.at, y, {
    width: column.width - 4,
    height: 12,
    ellipsis: true,
    align: column.end === true ? 'right' : 'left',
  })
}

function feet(document: Pdf, { statementId }: Statement): void {
  const { start, count } = document.bufferedPageRange()
  for (let page = start; page < start + count; page++) {
    document.switchToPage(page)
    // Below the margin: without this pdfkit would begin a new page.
    document.page.margins.bottom = 0
    document
      .font('text')
      .fontSize(8)
      .fillColor(faint)
      .text(`${statementId}    page ${page - start + 1} of ${count}`, margin, 841.89 - 36, {
        width: right - margin,
        align: 'right',
        lineBreak: false,
      })
  }
}
