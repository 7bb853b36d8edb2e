// Sends COUNT events of seven profiles with Segment's Node SDK: node segment_node.js HOST KEY COUNT
const { Analytics } = require("@segment/analytics-node")
const [host, writeKey, count] = process.argv.slice(2)
const analytics = new Analytics({ writeKey, host, flushAt: 10, flushInterval: 50 })
for (let n = 1; n <= Number(count); n++) {
  analytics.track({ userId: `u${n % 7}`, event: "Counted", properties: { n } })
}
analytics.closeAndFlush().then(() => process.exit(0))
