// A PDS and a directory of DIDs of its own, both on loopback; they end with their parent.
// Told: the PDS's host name, the password of its admin, the https address of a client, and where
// on this machine that is to be asked instead. Says: where the two programs really are.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import bluesky from '@atproto/pds'
import directory from '@did-plc/server'

const [hostname, adminPassword, client, clientHere] = process.argv.slice(2)
// The one thing here that is not as in production: nobody has a certificate on loopback.
const outside = globalThis.fetch
globalThis.fetch = (input, init) => {
  const request = new Request(input, init)
  const here = request.url.startsWith(`${client}/`)
  return outside(here ? request.url.replace(client, clientHere) : request)
}

const secret = () => randomBytes(32).toString('hex')
const freePort = () =>
  new Promise((found) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => found(port))
    })
  })

const plcPort = await freePort()
await directory.PlcServer.create({ db: directory.Database.mock(), port: plcPort }).start()

const folder = mkdtempSync(join(tmpdir(), 'pds-'))
const port = await freePort()
const pds = await bluesky.PDS.create(
  bluesky.envToCfg({
    port,
    hostname,
    dataDirectory: folder,
    blobstoreDiskLocation: join(folder, 'blobs'),
    didPlcUrl: `http://localhost:${plcPort}`,
    serviceHandleDomains: ['.test'],
    inviteRequired: false,
    devMode: true,
  }),
  bluesky.envToSecrets({
    adminPassword,
    dpopSecret: secret(),
    jwtSecret: secret(),
    plcRotationKeyK256PrivateKeyHex: secret(),
  }),
)
await pds.start()
console.log(`http://localhost:${port} http://localhost:${plcPort}`)
process.stdin.resume().on('end', () => {
  rmSync(folder, { recursive: true, force: true })
  process.exit()
})
