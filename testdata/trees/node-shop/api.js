// Tells the number of ticks over HTTP.
const http = require('http')
const net = require('net')
const readline = require('readline')

const waiting = []
const store = net.connect(process.env.STORE)
store.on('close', () => process.exit(1))
readline.createInterface({ input: store }).on('line', (line) => waiting.shift()(JSON.parse(line).value))
const get = (key) => new Promise((resolve) => {
  waiting.push(resolve)
  store.write(JSON.stringify({ get: key }) + '\n')
})

const server = http.createServer(async (request, response) => {
  if (request.url === '/crash') throw new Error('the API was asked to crash')
  const ticks = await get('ticks')
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify({ ticks }) + '\n')
})
server.listen(process.env.PORT, '127.0.0.1', () => console.log('listening on port ' + process.env.PORT))
process.on('SIGTERM', () => process.exit(0))
