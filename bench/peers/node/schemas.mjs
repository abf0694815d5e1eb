// The .avsc files, and what they ask of an image's attributes.

import { readFileSync } from 'node:fs'

export const TYPES = ['demand', 'notification', 'event', 'sale']
const TAGS = { string: 'S', boolean: 'BOOL', record: 'M' }

export const schemas = new Map(TYPES.map((type) => [type, schemaOf(type)]))
export const plans = new Map(TYPES.map((type) => [type, plan(schemas.get(type).fields, type, '')]))

function schemaOf(type) {
  return JSON.parse(readFileSync(new URL(`../../../schemas/${type}.avsc`, import.meta.url), 'utf8'))
}

function plan(fields, type, parent) {
  return fields.filter((field) => field.origin !== 'pipeline').map((field) => attribute(field, type, parent))
}

function attribute(field, type, parent) {
  const optional = Array.isArray(field.type)
  const declared = optional ? field.type.at(-1) : field.type
  const avro = declared.type ?? declared
  const path = `${parent}${field.name}`
  return {
    name: field.name,
    tag: TAGS[avro],
    required: !optional || field.requiredInImage === true,
    children: declared.fields ? plan(declared.fields, type, `${path}.`) : null,
    missing: `${type}: ${path} is missing (BR-003)`,
    wrong: `${type}: ${path} is not a DynamoDB ${TAGS[avro]} that fits Avro ${avro} (BR-003)`,
  }
}
