// Sends COUNT events of seven profiles with RudderStack's Node SDK: node rudderstack_node.js HOST KEY COUNT
const RudderAnalytics = require("@rudderstack/rudder-sdk-node")
const [host, writeKey, count] = process.argv.slice(2)
const client = new RudderAnalytics(writeKey, { dataPlaneUrl: host, flushAt: 10, flushInterval: 50 })
for (let n = 1; n <= Number(count); n++) {
  client.track({ userId: `u${n % 7}`, event: "Counted", properties: { n } })
}
const flush = () => client.flush().catch(() => undefined)
flush().then(flush).then(() => setTimeout(() => process.exit(0), 500))
