// A store of keys and values: a JSON request a line, an answer a line.
const fs = require('fs')
const net = require('net')
const readline = require('readline')

const values = new Map()
fs.rmSync(process.env.STORE, { force: true })

const server = net.createServer((socket) => {
  socket.on('error', () => {})
  readline.createInterface({ input: socket }).on('line', (line) => {
    const { set, get, to } = JSON.parse(line)
    if (set !== undefined) values.set(set, to)
    socket.write(JSON.stringify({ value: values.get(set ?? get) ?? null }) + '\n')
  })
})
server.listen(process.env.STORE, () => console.log('listening on ' + process.env.STORE))
process.on('SIGTERM', () => process.exit(0))
