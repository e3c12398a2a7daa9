// node-routeros (npm) against a router: tagged concurrent commands, listen and cancel, traps, its keepalive.
const assert = require('node:assert')
const { RouterOSAPI } = require('node-routeros')

const [ready, ros] = [JSON.parse(process.argv[2]), process.argv[3]]
const MAC = 'A4:CF:12:00:00:03'
const control = (path, body) =>
  fetch(ready.control + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
const message = (promise) => promise.then(() => assert.fail('no trap'), (error) => error.message)
const until = (what) => new Promise((resolve) => { const look = () => (what() ? resolve() : setTimeout(look, 5)); look() })

async function main () {
  const wrong = new RouterOSAPI({ host: '127.0.0.1', port: ready.api, user: 'admin', password: 'no', timeout: 5 })
  await assert.rejects(wrong.connect())

  const api = new RouterOSAPI({ host: '127.0.0.1', port: ready.api, user: 'admin', password: 'bando', timeout: 5 })
  await api.connect()
  // Before 7.18 an empty print is a bare !done; since then !empty comes first, which this library does not know.
  const [identity, resource] = await Promise.all([api.write('/system/identity/print'), api.write('/system/resource/print')])
  assert.deepEqual(identity, [{ name: 'MikroTik' }])
  assert.ok(resource[0].version.startsWith(ros))

  const [{ ret: id }] = await api.write('/ip/hotspot/user/add', [`=name=${MAC}`, '=limit-uptime=600', `=mac-address=${MAC}`])
  const [user] = await api.write(['/ip/hotspot/user/print', `?name=${MAC}`, '=.proplist=.id,limit-uptime'])
  assert.deepEqual(user, { '.id': id, 'limit-uptime': '10m' })
  assert.equal(await message(api.write('/ip/hotspot/user/add', [`=name=${MAC}`])),
    'failure: already have user with this name for this server')
  assert.match(await message(api.write('/no/such/thing')), /no such command/)

  const seen = []
  const stream = api.stream('/ip/hotspot/active/listen', (error, packet) => { if (!error) seen.push(packet) })
  // The stream has been written; a command on the same connection comes after it.
  await api.write('/system/identity/print')
  await control('/clients', { mac: MAC, ip: '10.5.50.33' })
  await until(() => seen.length >= 1)
  assert.equal(seen[0].user, MAC)
  await api.write('/ip/hotspot/active/remove', [`=.id=${seen[0]['.id']}`])
  await until(() => seen.length >= 2)
  assert.equal(seen[1]['.dead'], 'true')
  await stream.stop()
  await api.write('/ip/hotspot/user/remove', [`=.id=${id}`])
  assert.equal((await api.write('/ip/hotspot/user/print')).length, 1)
  // Its keepalive is a sentence `#`: a trap, and the connection goes on.
  api.keepaliveBy && await message(api.write('#'))
  assert.deepEqual(await api.write('/system/identity/print'), [{ name: 'MikroTik' }])
  await api.close()
  console.log('node-routeros', ros, 'ok')
}
main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1) })
