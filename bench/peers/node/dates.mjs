// Times of changes and the date strings of records.

const DAY = '[0-9]{4}-[0-9]{2}-[0-9]{2}'
const TIME = '(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]'
const OFFSET = '[+-](?:(?:0[0-9]|1[0-7]):[0-5][0-9]|18:00)'
const FORM = new RegExp(`^(${DAY})(?:(T${TIME})(?:\\.([0-9]{1,9}))?(?:Z|(${OFFSET}))?)?$`)

// ApproximateCreationDateTime in microseconds since 1970; null where it is no number.
export function creationMicros(created, precision) {
  if (typeof created !== 'number') return null
  if (precision === 'MICROSECOND') return Math.floor(created)
  if (precision === 'MILLISECOND' || (created >= 1e11 && created < 1e14)) return Math.floor(created * 1e3)
  return Math.floor(created < 1e11 ? created * 1e6 : created)
}

// 2026-03-01T12:34:56.789Z
export function isoMillis(micros) {
  return new Date(Math.floor(micros / 1000)).toISOString()
}

// 2026-03-01T12:34:56.789123Z
export function isoMicros(micros) {
  const millis = Math.floor(micros / 1000)
  const rest = String(micros - millis * 1000).padStart(3, '0')
  return `${new Date(millis).toISOString().slice(0, -1)}${rest}Z`
}

// The UTC date of an ISO-8601 string, YYYY-MM-DD; null where it is none.
export function utcDate(text) {
  const match = FORM.exec(text)
  if (!match || !exists(match[1])) return null
  return match[4] ? isoMillis(secondsOf(match) * 1e6).slice(0, 10) : match[1]
}

// Of date strings that with the latest instant, of equal ones the first; null where none is ISO-8601.
export function latest(texts) {
  let last = null
  for (const text of texts) {
    const match = text === undefined ? null : FORM.exec(text)
    if (!match || !exists(match[1])) continue
    const found = { text, seconds: secondsOf(match), nanos: Number((match[3] ?? '').padEnd(9, '0')) }
    if (!last || found.seconds - last.seconds > 0 || (found.seconds === last.seconds && found.nanos > last.nanos)) {
      last = found
    }
  }
  return last && last.text
}

function secondsOf([, day, time, , offset]) {
  return Date.parse(`${day}${time ?? 'T00:00:00'}${offset ?? 'Z'}`) / 1000
}

const known = new Map()

// JavaScript takes February 30 for March 2.
function exists(day) {
  let exact = known.get(day)
  if (exact === undefined) {
    const parsed = new Date(`${day}T00:00:00Z`)
    exact = !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(day)
    if (known.size > 4096) known.clear()
    known.set(day, exact)
  }
  return exact
}
