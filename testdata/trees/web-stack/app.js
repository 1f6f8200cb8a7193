// One of several copies that do the same; each knows its number.
console.log(`ready: copy ${process.env.COPPICE_COPY} of the app, incarnation ${process.env.COPPICE_INCARNATION}`)
setInterval(() => {}, 1 << 30)
process.on('SIGTERM', () => process.exit(0))
