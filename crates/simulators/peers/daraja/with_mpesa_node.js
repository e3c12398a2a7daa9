// mpesa-node against the simulator: token, push, query, C2B registration and payment, refusals.
'use strict'

const assert = require('node:assert')
const http = require('node:http')
const Mpesa = require('mpesa-node')

const received = new Map()
const receiver = http.createServer((request, response) => {
  let text = ''
  request.on('data', chunk => { text += chunk })
  request.on('end', () => {
    received.set(request.url, JSON.parse(text))
    response.setHeader('Content-Type', 'application/json')
    response.end('{"ResultCode":0,"ResultDesc":"Accepted"}')
  })
})

async function until (what, look) {
  for (let tries = 0; tries < 400; tries++) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`${what} did not happen`)
}

async function refused (act) {
  try {
    await act()
  } catch (error) {
    if (error.response) return { status: error.response.status, ...error.response.data }
    throw error
  }
  throw new Error('it was not refused')
}

async function main () {
  await new Promise(resolve => receiver.listen(0, '127.0.0.1', resolve))
  const url = path => `http://127.0.0.1:${receiver.address().port}${path}`
  const mpesa = new Mpesa({
    consumerKey: 'demo',
    consumerSecret: 'demo',
    environment: 'sandbox',
    shortCode: '600984',
    lipaNaMpesaShortCode: 174379,
    lipaNaMpesaShortPass: 'bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919'
  })
  mpesa.baseURL = process.env.DARAJA

  const { data: token } = await mpesa.oAuth()
  assert.ok(token.access_token)
  assert.strictEqual(token.expires_in, '3599')

  // Numbers where others send strings.
  const { data: sent } = await mpesa.lipaNaMpesaOnline(254712345678, 20, url('/stk'), 'WF7K3Q9X', 'WiFi 1 hour')
  assert.strictEqual(sent.ResponseCode, '0')
  const final = await until('an outcome', async () => {
    const { data } = await mpesa.lipaNaMpesaQuery(sent.CheckoutRequestID)
    return data.ResultCode === '4999' ? undefined : data
  })
  assert.strictEqual(final.ResultCode, '0')
  const callback = await until('the callback', async () => received.get('/stk'))
  assert.strictEqual(callback.Body.stkCallback.ResultCode, 0)
  assert.strictEqual(callback.Body.stkCallback.CheckoutRequestID, sent.CheckoutRequestID)
  console.log('push, query and callback:', sent.CheckoutRequestID)

  const unknown = await refused(() => mpesa.lipaNaMpesaQuery('ws_CO_22112026083000000712345678'))
  assert.deepStrictEqual([unknown.status, unknown.errorCode, unknown.errorMessage],
    [500, '500.001.1001', 'The transaction does not Exist'])
  const wrong = await refused(() => mpesa.lipaNaMpesaOnline(254712345678, 20, url('/stk'), 'WF7K3Q9X', 'WiFi', undefined, 174379, 'wrong'))
  assert.deepStrictEqual([wrong.status, wrong.errorCode, wrong.errorMessage], [500, '500.001.1001', 'Wrong credentials'])
  console.log('refusals: unknown payment, wrong passkey')

  const { data: registered } = await mpesa.c2bRegister(url('/c2b/confirm'), url('/c2b/validate'))
  assert.ok(registered.OriginatorCoversationID)
  await mpesa.c2bSimulate(254712345678, 50, 'WF7K3Q9X')
  const confirmation = await until('the confirmation', async () => received.get('/c2b/confirm'))
  assert.strictEqual(confirmation.TransAmount, '50.00')
  assert.strictEqual(confirmation.MSISDN.length, 64, 'v1 hashes the payer')
  console.log('C2B registration, payment and confirmation:', confirmation.TransID)
}

main().then(() => process.exit(0), error => {
  console.error(error)
  process.exit(1)
})
