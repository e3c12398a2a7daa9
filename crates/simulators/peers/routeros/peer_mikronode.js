// mikronode (npm) against a router: the challenge login of old releases, channels, traps.
const assert = require('node:assert')
const MikroNode = require('mikronode')

const [ready, ros] = [JSON.parse(process.argv[2]), process.argv[3]]
const MAC = 'A4:CF:12:00:00:04'

let channels = 0

// One command on a channel of its own.
const run = (connection, path, params) => new Promise((resolve, reject) => {
  const channel = connection.openChannel(`channel${channels++}`, true)
  channel.on('done', (data) => resolve(data.data.map((item) => MikroNode.resultsToObj(item))))
  channel.on('trap', (trap) => reject(new Error(JSON.stringify(trap.data))))
  channel.write(path, params)
})

async function main () {
  const device = new MikroNode('127.0.0.1', ready.api, 5)
  const [login] = await device.connect()
  const connection = await login('admin', 'bando')
  connection.closeOnDone(false)
  const [identity] = await run(connection, '/system/identity/print')
  assert.equal(identity.name, 'MikroTik')
  await run(connection, '/ip/hotspot/user/add', { name: MAC, 'limit-uptime': '5m' })
  const users = await run(connection, '/ip/hotspot/user/print')
  const user = users.find((row) => row.name === MAC)
  assert.equal(user['limit-uptime'], '5m')
  await assert.rejects(run(connection, '/ip/hotspot/user/remove', { '.id': '*FF' }), /no such item/)
  await run(connection, '/ip/hotspot/user/remove', { '.id': user['.id'] })
  console.log('mikronode', ros, 'ok')
}
main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1) })
