// Counts in the store, four times a second.
const net = require('net')

let n = 0
const store = net.connect(process.env.STORE, () => {
  setInterval(() => store.write(JSON.stringify({ set: 'ticks', to: ++n }) + '\n'), 250)
  process.send('ready')
})
store.resume()
store.on('close', () => process.exit(1)) // without the store there is no work

process.on('message', (message) => {
  if (message === 'shutdown') {
    console.log(JSON.stringify({ level: 'info', message: 'done', ticks: n }))
    process.exit(0)
  }
})
