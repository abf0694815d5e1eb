// The files: a container for each record type and partition date, an object for each message of archive errors.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { constants, zstdCompressSync } from 'node:zlib'

import avsc from 'avsc'

import { schemas } from './schemas.mjs'

const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const ENCODING = {
  blockSize: 256 * 1024,
  codec: 'zstandard',
  codecs: { zstandard: (block, done) => done(null, zstdCompressSync(block, LEVEL)) },
}
const types = new Map([...schemas].map(([name, schema]) => [name, avsc.Type.forSchema(schema)]))

// An archive below a directory while it is being written.
export class Archive {
  #root
  #time
  #containers = new Map()
  #files = []
  #errors = new Map()
  #counts = { archived: 0, failed: 0 }

  constructor(directory, batchTime) {
    this.#root = directory
    this.#time = batchTime
  }

  // Appends a record to its container; what to wait for where that is full, else undefined.
  add(type, date, record) {
    this.#counts.archived += 1
    const group = `data/${type}/partition_date=${date}`
    let container = this.#containers.get(group)
    if (!container) {
      container = new avsc.streams.BlockEncoder(types.get(type), ENCODING)
      this.#containers.set(group, container)
      this.#files.push(container.pipe(createWriteStream(this.#newFile(group, 'avro'))))
    }
    return container.write(record) ? undefined : once(container, 'drain')
  }

  addError(message, data) {
    this.#counts.failed += 1
    const text = data.toString(message.includes('not UTF-8') ? 'base64' : 'utf8')
    if (!this.#errors.has(message)) this.#errors.set(message, [])
    this.#errors.get(message).push(text)
  }

  // Finishes all files; how many change events were archived and how many failed.
  async close() {
    for (const container of this.#containers.values()) container.end()
    await Promise.all(this.#files.map((file) => finished(file)))
    for (const [message, events] of this.#errors) {
      const content = { timestamp: this.#time, error: { message }, events }
      writeFileSync(this.#newFile('errors', 'json'), `${JSON.stringify(content)}\n`)
    }
    return this.#counts
  }

  // BR-013, BR-014
  #newFile(folder, suffix) {
    const directory = join(this.#root, folder)
    mkdirSync(directory, { recursive: true })
    return join(directory, `${this.#time.replaceAll(':', '-')}-${randomUUID()}.${suffix}`)
  }
}
