// An HTTP server that says who it is: node server.js NAME PORT
const [name, port] = process.argv.slice(2)
require('http')
  .createServer((request, response) => response.end(`${name}: ${process.env.GREETING}\n`))
  .listen(port, '127.0.0.1', () => console.log(`${name} listens on port ${port}`))
process.on('SIGTERM', () => process.exit(0))
