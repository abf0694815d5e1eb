// A worker as a Lambda team writes it: the AWS SDK's unmarshall, avsc, one process per core.
// bench/peers/workers.py says on standard input what to archive, and is answered on standard output.

import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

import { Archive } from './archive.mjs'
import { payloads } from './payloads.mjs'
import { archived, Refused } from './rules.mjs'

const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url)))
const packages = Object.entries(dependencies).map(([name, version]) => `${name} ${version}`)
console.log(JSON.stringify({ versions: ['Node ' + process.versions.node, ...packages].join(', ') }))

for await (const line of createInterface({ input: process.stdin })) {
  const { directory, files, batchTime } = JSON.parse(line)
  const archive = new Archive(directory, batchTime)
  for (const file of files) await archiveAll(payloads(file), batchTime, archive)
  console.log(JSON.stringify(await archive.close()))
}

async function archiveAll(stream, batchTime, archive) {
  for (const { sequenceNumber, data } of stream) {
    try {
      const { type, date, record } = archived(data, sequenceNumber, batchTime)
      const full = archive.add(type, date, record)
      if (full) await full
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      archive.addError(error.message, data)
    }
  }
}
